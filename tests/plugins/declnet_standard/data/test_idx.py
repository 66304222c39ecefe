from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from declnet import DataError
from declnet_standard.data import IDX

RNG = np.random.default_rng(0)
CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def encoded(array):
    code = CODES[array.dtype.str[1:]]
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return (
        bytes([0, 0, code, array.ndim])
        + sizes
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


@pytest.fixture
def files(tmp_path):
    def write(x, y, suffix="", **fields):
        paths = []
        for name, content in (("x", x), ("y", y)):
            data = content if isinstance(content, bytes) else encoded(content)
            path = tmp_path / f"{name}{suffix}"
            path.write_bytes(gzip.compress(data) if suffix == ".gz" else data)
            paths.append(path)
        return IDX(x=paths[0], y=paths[1], **fields)

    return write


IMAGES = RNG.integers(0, 256, (12, 5, 4)).astype("u1")
LABELS = (np.arange(12) % 10).astype("u1")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_images_and_labels_as_mnist_has_them(files, suffix):
    source = files(IMAGES, LABELS, suffix)
    data = source.load(RNG)
    assert (data.x == IMAGES[:, None]).all()
    assert (data.y == LABELS).all()
    info = source.describe()
    assert (info.sample_shape, info.classes, info.target) == ((1, 5, 4), 10, "classes")


@pytest.mark.parametrize("dtype", CODES)
def test_every_type_of_the_format(files, dtype):
    x = np.array([[1, 2], [100, 3]], dtype)
    data = files(x, LABELS[:2]).load(RNG)
    assert data.x.dtype.isnative
    assert (data.x == x).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no IDX file"),
        (b"\0\0\x08", "no IDX file"),
        (b"a,b\n1,2", "no IDX file"),
        (b"\0\0\x07\x01" + b"\0" * 8, "no IDX file"),
        (b"\0\0\x08\x03\0\0", "cut off"),
        (encoded(IMAGES)[:-1], "cut off"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "says that it has .* numbers, more than allowed"),
    ],
)
def test_other_and_damaged_files(files, content, message):
    with pytest.raises(DataError, match=message):
        files(content, LABELS).load(RNG)


def test_a_bomb_is_not_unpacked(files):
    with pytest.raises(DataError, match=r"larger than 1000 bytes|more than allowed"):
        files(np.zeros((100, 100, 100), "u1"), LABELS, ".gz", maximum_bytes=1000).load(RNG)
