"""Arrays of NumPy files in parts, and files that are not valid."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from declnet import DataError
from declnet_standard.data import NPY, NPZ


def array_chunks(path, samples):
    """The inputs of a file, as predictions read them."""
    source = (NPY if path.suffix == ".npy" else NPZ).for_file(path)
    return source.input_chunks(np.random.default_rng(0), samples)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "packed.npz"])
@pytest.mark.parametrize("dtype", ["f4", ">f8", "i2", "u1", "?"])
@pytest.mark.parametrize("shape", [(11,), (11, 3), (11, 2, 2)])
def test_parts_are_the_array(name, dtype, shape, tmp_path):
    x = (np.random.default_rng(1).random(shape) * 9).astype(dtype)
    save = {
        "x.npy": lambda path: np.save(path, x),
        "x.npz": lambda path: np.savez(path, y=x[::-1], x=x),
        "packed.npz": lambda path: np.savez_compressed(path, x=x),
    }
    save[name](tmp_path / name)
    parts = list(array_chunks(tmp_path / name, 4))
    assert [len(part) for part in parts] == [4, 4, 3]
    assert np.array_equal(np.concatenate(parts), x)


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def archive(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name, content in members.items():
            # without the time of day, so that every process collects tests of the same names
            target.writestr(zipfile.ZipInfo(f"{name}.npy"), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


X = np.arange(600.0).reshape(100, 6)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.npy", b"", "the file is not NumPy data, or is damaged"),
        ("x.npy", b"length,width\n1,2\n", "the file is not NumPy data, or is damaged"),
        ("x.npy", npy(X)[:60], "the file is not NumPy data, or is damaged"),
        ("x.npy", npy(X)[:1000], "the file is cut off within sample 18"),
        ("x.npy", npy(np.array([None]), allow_pickle=True), "pickled objects, which are never"),
        ("x.npy", npy(np.array(["a"])), "the file holds <U1, not numbers"),
        ("x.npy", npy(np.array(3.0)), "a single number"),
        ("x.npy", npy(np.asfortranarray(X)), "is in Fortran order"),
        ("x.npz", b"PK but no archive", "not an .npz archive"),
        ("x.npz", archive(x=npy(X))[:200], "not an .npz archive"),
        ("x.npz", archive(y=npy(X)), "it has no array x (its arrays: y)"),
        ("x.npz", archive(x=b"text"), "the array x is not NumPy data, or is damaged"),
        ("x.npz", archive(x=npy(X)[:-8]), "the array x is cut off within sample 99"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_not_an_array_is_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as raised:
        list(array_chunks(tmp_path / name, 7))
    assert str(raised.value).startswith(f"{tmp_path / name}: ")
    assert message in str(raised.value)


def test_a_damaged_archive_is_refused(tmp_path):
    content = bytearray(archive(x=npy(X)))
    content[200:300] = bytes(100)
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        list(array_chunks(tmp_path / "x.npz", 7))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for name in ("x.npy", "x.npz"):
        with pytest.raises(DataError, match="there is no such file"):
            list(array_chunks(tmp_path / name, 7))


def test_a_bomb_takes_no_more_memory_than_a_part(tmp_path):
    """A header that claims samples of a terabyte each is refused before anything is read."""
    header = io.BytesIO()
    claims = {"descr": "<f8", "fortran_order": False, "shape": (3, 10**12)}
    np.lib.format.write_array_header_1_0(header, claims)
    (tmp_path / "x.npz").write_bytes(archive(x=header.getvalue() + bytes(1000)))
    with pytest.raises(DataError, match="takes 8000000000000 bytes"):
        list(array_chunks(tmp_path / "x.npz", 7))


def test_inputs_of_an_archive_may_be_larger_than_what_is_read_whole(tmp_path):
    np.savez(tmp_path / "x.npz", x=X)
    small = NPZ(path=tmp_path / "x.npz", maximum_bytes=100)
    parts = list(small.input_chunks(np.random.default_rng(0), 30))
    assert np.array_equal(np.concatenate(parts), X)


def test_one_array_is_described_and_has_no_targets(tmp_path):
    np.save(tmp_path / "x.npy", X)
    source = NPY.for_file(tmp_path / "x.npy", NPY(x="a.npy", y="b.npy"))
    info = source.describe()
    assert (info.sample_shape, info.dtype, info.samples) == ((6,), "float", 100)
    with pytest.raises(DataError, match=r"x\.npy: holds inputs alone, without targets"):
        next(source.chunks(np.random.default_rng(0), 7))
