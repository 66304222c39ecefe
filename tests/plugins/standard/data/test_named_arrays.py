"""Several inputs from .npy files and .npz archives."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import DataError, InputInfo, MappedArray
from declnet.testing import check_component
from declnet_plugins.standard.data.arrays import NPZ
from declnet_plugins.standard.data.csv import CSV

SPEC = """
declnet = 1

[data.train]
type = "npy"
inputs = { notes = "notes.npy", tempo = "tempo.npy" }
y = "y.npy"
MORE

[model]
layers = [
  { type = "embedding", categories = 12, units = 2, inputs = ["input.notes"] },
  "flatten",
  { type = "concatenate", inputs = ["input.tempo", "flatten_1"] },
  { type = "dense", units = 2 },
  "softmax",
]

[loss]
type = "categorical_crossentropy"

[optimizer]
type = "adam"

[training]
epochs = 3
batch_size = 8
"""


@pytest.fixture
def arrays(tmp_path):
    rng = np.random.default_rng(0)
    x = {"notes": rng.integers(0, 12, (30, 5)).astype("u1"), "tempo": rng.normal(size=(30, 1))}
    for name, array in (x | {"y": np.arange(30) % 2}).items():
        np.save(tmp_path / f"{name}.npy", array)
    np.savez(tmp_path / "songs.npz", **x, y=np.arange(30) % 2)
    return x


def spec_file(folder, more=""):
    (folder / "spec.toml").write_text(SPEC.replace("MORE", more))
    return folder / "spec.toml"


def test_mapped_files_files_in_memory_and_an_archive_give_the_same_run(arrays, tmp_path):
    mapped = declnet.run(spec_file(tmp_path))
    memory = declnet.run(spec_file(tmp_path, "mapped = false"))
    archive = {"type": "npz", "path": str(tmp_path / "songs.npz"), "inputs": ["notes", "tempo"]}
    spec = declnet.load_spec(tmp_path / "spec.toml", {"data.train": archive})
    inputs = declnet.run(spec, (arrays, np.arange(30) % 2))
    for result in (memory, declnet.run(spec), inputs):
        assert result.history == mapped.history
        assert np.array_equal(result.model.predict(arrays), mapped.model.predict(arrays))


def test_each_input_is_described_and_stays_in_its_file(arrays, tmp_path):
    source = declnet.load_spec(spec_file(tmp_path)).data.train
    described = source.describe()
    assert described.inputs == {
        "notes": InputInfo((5,), "integer"),
        "tempo": InputInfo((1,)),
    }
    assert (described.samples, described.in_memory, described.sample_shape) == (30, False, ())
    x = source.load(np.random.default_rng(0)).x
    assert all(isinstance(array, MappedArray) for array in x.values())
    check_component(source)
    archive = NPZ(path=tmp_path / "songs.npz", inputs=("tempo", "notes"))
    assert list(archive.describe().inputs) == ["tempo", "notes"]
    check_component(archive)


@pytest.mark.parametrize(("source", "key"), [(NPZ, "inputs"), (NPZ, "targets"), (CSV, "targets")])
def test_a_name_is_listed_once(source, key):
    with pytest.raises(ValueError, match='duplicate name "b"'):
        source(path="a.file", **{key: ("a", "b", "c", "b")})


def test_arrays_missing_in_an_archive_are_named(arrays, tmp_path):
    source = NPZ(path=tmp_path / "songs.npz", inputs=("notes", "pitch"))
    with pytest.raises(DataError, match=r"it has no array pitch \(its arrays: notes, tempo, y\)"):
        source.describe()
    np.savez(tmp_path / "torn.npz", notes=arrays["notes"], tempo=arrays["tempo"][1:])
    torn = NPZ(path=tmp_path / "torn.npz", inputs=("notes", "tempo"))
    with pytest.raises(DataError, match="inputs have different numbers of samples"):
        list(torn.input_chunks(np.random.default_rng(0), 8))
