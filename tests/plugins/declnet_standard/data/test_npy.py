from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet import DataError, MappedArray, SpecError
from declnet.data.loading import fingerprint
from declnet_standard.data import NPY

RNG = np.random.default_rng(0)


@pytest.fixture
def files(tmp_path):
    def write(x, y, **fields):
        np.save(tmp_path / "x.npy", x)
        np.save(tmp_path / "y.npy", y)
        return NPY(x=tmp_path / "x.npy", y=tmp_path / "y.npy", **fields)

    return write


@pytest.fixture
def images(files):
    x = RNG.normal(size=(50, 3, 4)).astype("float32")
    return files(x, np.arange(50) % 3), x


def test_samples_are_those_of_the_file(images):
    source, x = images
    mapped = source.load(RNG).x
    assert isinstance(mapped, MappedArray)
    assert (mapped.shape, mapped.ndim, mapped.size, len(mapped)) == (x.shape, 3, x.size, 50)
    for part in (slice(None), slice(3, 9), slice(40, 99), slice(5, 30, 7), slice(0, 0)):
        assert (mapped[part] == x[part]).all()
    positions = np.array([4, 1, 49, 4])
    assert (mapped[positions] == x[positions]).all()
    assert (np.asarray(mapped) == x).all()
    assert (np.concatenate(list(mapped.parts())) == x).all()


def test_a_part_of_the_samples_stays_in_the_file(images):
    source, x = images
    data = source.load(RNG)
    some = data.take(np.arange(10, 50, 3)).take(np.array([5, 0, 12]))
    assert isinstance(some.x, MappedArray)
    assert (some.x[:] == x[[25, 10, 46]]).all()
    assert (some.y == data.y[[25, 10, 46]]).all()


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", ">f4", "int64"])
def test_numbers_come_in_the_type_that_is_asked_for(files, dtype):
    x = np.arange(60).reshape(20, 3).astype(dtype)
    mapped = files(x, np.zeros(20)).load(RNG).x.astype(np.dtype("float32"))
    batch, gather = mapped.batch(4)
    for positions in ([3, 19, 0, 3], [7, 8, 9, 10]):
        gather(np.array(positions))
        assert (batch == x[positions]).all()
    assert mapped[:5].dtype == np.float32


def test_a_mapped_run_is_that_of_the_same_arrays(files, document):
    x, y = RNG.normal(size=(60, 20)).astype("float32"), np.arange(60) % 3
    document["training"] |= {"batch_size": 7}
    document["data"] = {"validation": 0.2, "test": 0.1}
    in_memory = declnet.run(declnet.parse_spec(document), data=(x, y))
    document["data"]["train"] = files(x, y)
    mapped = declnet.run(declnet.parse_spec(document))
    assert mapped.history == in_memory.history
    assert mapped.metrics == in_memory.metrics
    parameters = in_memory.model.parameters()
    for name, value in mapped.model.parameters().items():
        assert (value == parameters[name]).all()


def test_a_file_that_becomes_shorter_is_told(images):
    source, _ = images
    mapped = source.load(RNG).x
    os.truncate(source.x, 200)
    with pytest.raises(OSError, match="has become shorter"):
        mapped[30:40]


def test_where_nothing_reads_at_a_place_it_seeks(images, monkeypatch):
    monkeypatch.delattr(os, "preadv", raising=False)
    source, x = images
    assert (source.load(RNG).x[np.array([4, 2])] == x[[4, 2]]).all()


def test_fingerprints_are_those_of_the_same_arrays(images):
    source, x = images
    data = source.load(RNG)
    assert fingerprint(data) == fingerprint(declnet.Dataset(x, data.y))


def test_without_mapping_all_is_in_memory(files):
    x = np.asfortranarray(RNG.normal(size=(5, 3)))
    data = files(x, np.arange(5), mapped=False).load(RNG)
    assert isinstance(data.x, np.ndarray)
    assert (data.x == x).all()
    with pytest.raises(DataError, match="only arrays in C order can be mapped"):
        files(x, np.arange(5)).load(RNG)


def test_describing_reads_no_samples(images):
    source, _ = images
    info = source.describe()
    assert (info.sample_shape, info.samples, info.classes) == ((3, 4), 50, 3)
    assert not info.in_memory


def test_each_step_on_all_samples_is_refused(images, document):
    document["data"] = {"train": images[0]}
    document["model"]["layers"].insert(0, "flatten")
    with pytest.raises(SpecError, match=r"in mini-batches.*batch_size"):
        declnet.run(declnet.parse_spec(document))


def test_preparing_it_is_refused(images, document):
    document["data"] = {"train": images[0], "prepare": ["standardize"]}
    with pytest.raises(SpecError, match=r"cannot be prepared.*mapped = false"):
        declnet.run(declnet.parse_spec(document))


def test_a_number_that_is_none_is_found_before_training(files, document):
    x = RNG.normal(size=(40, 4))
    x[33, 2] = np.nan
    document["data"] = {"train": files(x, np.arange(40) % 3)}
    document["training"]["batch_size"] = 8
    with pytest.raises(DataError, match=r"NaN or infinite, the first at \[33, 2\]"):
        declnet.run(declnet.parse_spec(document))


@pytest.mark.parametrize("size", [0, 5, 40, 127, 200, 500])
def test_a_file_that_is_cut_off(images, size):
    source, _ = images
    for path in (source.x, source.y):
        whole = path.read_bytes()
        path.write_bytes(whole[: min(size, len(whole) - 1)])
        with pytest.raises(DataError, match=r"is not NumPy data, or is damaged|is cut off"):
            source.load(RNG)
        path.write_bytes(whole)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\x03\x04" + b"\0" * 200])
def test_another_file(images, content):
    source, _ = images
    source.x.write_bytes(content)
    with pytest.raises(DataError, match=r"is not NumPy data, or is damaged"):
        source.load(RNG)


def test_pickles_are_refused(files):
    source = files(np.array([{}, {}]), np.arange(2))
    with pytest.raises(DataError, match="pickled objects, which are never loaded"):
        source.load(RNG)


def test_there_is_no_file(images, tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        images[0].model_copy(update={"x": tmp_path / "no.npy"}).load(RNG)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_memory_stays_bounded(tmp_path):
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (400_000, 1000))
    del x  # 400 MB of zeros, which a file system keeps as a hole
    np.save(tmp_path / "y.npy", np.zeros(400_000))
    mapped = NPY(x=tmp_path / "x.npy", y=tmp_path / "y.npy").load(RNG).x
    _, gather = mapped.batch(500)
    most, before = 0, resident()
    for _ in range(100):
        gather(RNG.integers(0, 400_000, 500))
        most = max(most, resident() - before)
    assert most < 100e6


def resident():
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
