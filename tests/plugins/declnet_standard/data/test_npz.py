from __future__ import annotations

import numpy as np
import pytest

from declnet import DataError
from declnet_standard.data import NPZ


@pytest.fixture
def archive(tmp_path):
    def write(save=np.savez, **arrays):
        save(tmp_path / "data.npz", **arrays)
        return NPZ(path=tmp_path / "data.npz")

    return write


def test_arrays_are_read_as_they_are(archive, blobs):
    data = archive(x=blobs[0], y=blobs[1]).load(np.random.default_rng(0))
    assert (data.x == blobs[0]).all()
    assert (data.y == blobs[1]).all()


def test_labels_are_described_with_their_classes(archive, blobs):
    info = archive(x=blobs[0], y=blobs[1]).describe()
    assert (info.target, info.classes, info.samples) == ("classes", 3, 30)
    assert (info.sample_shape, info.target_shape) == ((2,), ())


def test_values_are_described_with_their_shape(archive):
    info = archive(x=np.ones((5, 3, 8, 8)), y=np.ones((5, 2))).describe()
    assert (info.target, info.target_shape, info.sample_shape) == ("values", (2,), (3, 8, 8))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones((3, 2))}, r"no array y \(its arrays: x\)"),
        ({"y": np.ones(3)}, r"no array x \(its arrays: y\)"),
        ({"x": np.array([{}, {}]), "y": np.ones(2)}, "x holds pickled objects"),
        ({"x": np.float64(3), "y": np.ones(2)}, "x"),
    ],
)
def test_arrays_that_cannot_be_used_are_named(archive, arrays, message):
    with pytest.raises(DataError, match=message):
        archive(**arrays).describe()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("start", range(0, 600, 25))
def test_a_damaged_archive_is_refused_or_read_whole(archive, blobs, save, start):
    source = archive(save, x=blobs[0], y=blobs[1])
    content = bytearray(source.path.read_bytes())
    content[start : start + 40] = b"\x55" * len(content[start : start + 40])
    source.path.write_bytes(content)
    try:
        data = source.load(np.random.default_rng(0))
    except DataError:
        return
    assert (data.x == blobs[0]).all()
    assert (data.y == blobs[1]).all()


@pytest.mark.parametrize("content", [b"", b"x,y\n1,2\n", b"PK\x03\x04"])
def test_another_file_is_no_archive(tmp_path, content):
    path = tmp_path / "text.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"not an \.npz archive"):
        NPZ(path=path).describe()


def test_a_single_array_is_no_archive(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(DataError, match="one array"):
        NPZ(path=tmp_path / "x.npy").describe()


def test_a_folder_is_no_archive(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        NPZ(path=tmp_path).describe()


def test_a_bomb_is_refused_before_it_is_unpacked(archive):
    source = archive(np.savez_compressed, x=np.zeros(10**7), y=np.arange(10))
    assert source.path.stat().st_size < 10**6
    small = source.model_copy(update={"maximum_bytes": 10**6})
    for use in (small.describe, lambda: small.load(np.random.default_rng(0))):
        with pytest.raises(DataError, match=r"unpacks to 80000128 bytes.*maximum_bytes"):
            use()


@pytest.mark.parametrize("cut", range(0, 800, 50))
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_that_is_cut_off_is_refused(archive, blobs, save, cut):
    source = archive(save, x=blobs[0], y=blobs[1])
    whole = source.path.read_bytes()
    source.path.write_bytes(whole[: min(cut, len(whole) - 1)])
    with pytest.raises(DataError):
        source.load(np.random.default_rng(0))


def test_a_header_that_promises_too_much_is_refused(archive, blobs, monkeypatch):
    source = archive(x=blobs[0], y=blobs[1])
    content = source.path.read_bytes()
    content = content.replace(b"(30, 2)", b"(30, 9)")
    source.path.write_bytes(content)
    with pytest.raises(DataError, match=r"the array x .*damaged"):
        source.load(np.random.default_rng(0))


@pytest.mark.parametrize("shape", [(0, 2), (4, 0), (4,), (4, 1, 1)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_shapes_and_orders_are_kept(archive, shape, order):
    x = np.arange(np.prod(shape), dtype=float).reshape(shape, order=order)
    data = archive(x=x, y=np.arange(shape[0])).load(np.random.default_rng(0))
    assert data.x.shape == shape
    assert (data.x == x).all()
    data.x[...] = 1  # not a view of the file's bytes
