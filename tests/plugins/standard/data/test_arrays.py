"""Arrays in .npy, .npz and IDX files, and files that are not valid."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet import ChangedFileError, DataError, MappedArray, SpecError
from declnet_plugins.standard.data.arrays import IDX, NPY, NPZ

RNG = np.random.default_rng(0)


def array_chunks(path, samples):
    """The inputs of a file, as predictions read them."""
    source = (NPY if path.suffix == ".npy" else NPZ).for_file(path)
    return source.input_chunks(RNG, samples)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "packed.npz"])
@pytest.mark.parametrize("dtype", ["f4", ">f8", "i2", "u1", "?"])
@pytest.mark.parametrize("shape", [(11,), (11, 3), (11, 2, 2)])
def test_parts_make_up_the_array(name, dtype, shape, tmp_path):
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


def archived(**members):
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
        ("x.npz", archived(x=npy(X))[:200], "not an .npz archive"),
        ("x.npz", archived(y=npy(X)), "it has no array x (its arrays: y)"),
        ("x.npz", archived(x=b"text"), "the array x is not NumPy data, or is damaged"),
        ("x.npz", archived(x=npy(X)[:-8]), "the array x is cut off within sample 99"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_not_an_array_is_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as raised:
        list(array_chunks(tmp_path / name, 7))
    assert str(raised.value).startswith(f"{tmp_path / name}: ")
    assert message in str(raised.value)


def test_a_bomb_takes_no_more_memory_than_a_part(tmp_path):
    """A header that claims samples of a terabyte each is refused before anything is read."""
    header = io.BytesIO()
    claims = {"descr": "<f8", "fortran_order": False, "shape": (3, 10**12)}
    np.lib.format.write_array_header_1_0(header, claims)
    (tmp_path / "x.npz").write_bytes(archived(x=header.getvalue() + bytes(1000)))
    with pytest.raises(DataError, match="takes 8000000000000 bytes"):
        list(array_chunks(tmp_path / "x.npz", 7))


@pytest.mark.parametrize("shape", [(6,), (3, 2)])
def test_the_order_of_one_axis_does_not_matter(tmp_path, shape):
    header = io.BytesIO()
    claims = {"descr": "<f8", "fortran_order": True, "shape": shape}
    np.lib.format.write_array_header_1_0(header, claims)
    (tmp_path / "x.npy").write_bytes(header.getvalue() + np.arange(6.0).tobytes())
    with ExitStack() as stack:
        if len(shape) > 1:
            stack.enter_context(pytest.raises(DataError, match="is in Fortran order"))
        (array,) = array_chunks(tmp_path / "x.npy", 7)
        assert array.tolist() == [0, 1, 2, 3, 4, 5]


def test_inputs_of_an_archive_may_be_larger_than_the_limit_of_whole_reads(tmp_path):
    np.savez(tmp_path / "x.npz", x=X)
    small = NPZ(path=tmp_path / "x.npz", maximum_bytes=100)
    parts = list(small.input_chunks(RNG, 30))
    assert np.array_equal(np.concatenate(parts), X)


def test_one_array_is_described_and_has_no_targets(tmp_path):
    np.save(tmp_path / "x.npy", X)
    source = NPY.for_file(tmp_path / "x.npy", NPY(x="a.npy", y="b.npy"))
    info = source.describe()
    assert (info.sample_shape, info.dtype, info.samples) == ((6,), "float", 100)
    with pytest.raises(DataError, match=r"x\.npy: holds inputs alone, without targets"):
        next(source.chunks(RNG, 7))


@pytest.fixture
def arrays(tmp_path):
    def write(x, y, **fields):
        np.save(tmp_path / "x.npy", x)
        np.save(tmp_path / "y.npy", y)
        return NPY(x=tmp_path / "x.npy", y=tmp_path / "y.npy", **fields)

    return write


@pytest.fixture
def images(arrays):
    x = RNG.normal(size=(50, 3, 4)).astype("float32")
    return arrays(x, np.arange(50) % 3), x


@pytest.mark.parametrize("at_a_place", [True, False])
def test_samples_match_the_file(images, monkeypatch, at_a_place):
    """Also on systems without reads at an offset, where the source seeks."""
    if not at_a_place:
        monkeypatch.delattr(os, "preadv", raising=False)
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
def test_numbers_have_the_requested_type(arrays, dtype):
    x = np.arange(60).reshape(20, 3).astype(dtype)
    mapped = arrays(x, np.zeros(20)).load(RNG).x.astype(np.dtype("float32"))
    batch, gather = mapped.batch(4)
    for positions in ([3, 19, 0, 3], [7, 8, 9, 10]):
        gather(np.array(positions))
        assert (batch == x[positions]).all()
    assert mapped[:5].dtype == np.float32


def test_a_file_that_becomes_shorter_is_reported(images):
    source, _ = images
    mapped = source.load(RNG).x
    os.truncate(source.x, 200)
    with pytest.raises(ChangedFileError, match=r"x\.npy changed"):
        mapped[30:40]


def test_without_mapping_everything_is_in_memory(arrays):
    x = np.asfortranarray(RNG.normal(size=(5, 3)))
    data = arrays(x, np.arange(5), mapped=False).load(RNG)
    assert isinstance(data.x, np.ndarray)
    assert (data.x == x).all()
    with pytest.raises(DataError, match="only arrays in C order can be mapped"):
        arrays(x, np.arange(5)).load(RNG)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, r"in mini-batches.*batch_size"),
        ({"prepare": ["standardize"]}, r"cannot be prepared.*mapped = false"),
    ],
)
def test_operations_that_would_read_the_whole_file_are_refused(images, document, fields, message):
    document["data"] = {"train": images[0], **fields}
    document["model"]["layers"].insert(0, "flatten")
    with pytest.raises(SpecError, match=message):
        declnet.run(declnet.parse_spec(document))


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


@pytest.fixture
def archive(tmp_path):
    def write(save=np.savez, **arrays):
        save(tmp_path / "data.npz", **arrays)
        return NPZ(path=tmp_path / "data.npz")

    return write


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_archive_is_refused_or_read_whole(archive, blobs, save):
    source = archive(save, x=blobs[0], y=blobs[1])
    whole, refused = source.path.read_bytes(), 0
    for start in range(0, 600, 25):
        content = bytearray(whole)
        content[start : start + 40] = b"\x55" * len(content[start : start + 40])
        source.path.write_bytes(content)
        try:
            data = source.load(RNG)
        except DataError:
            refused += 1
        else:
            assert (data.x == blobs[0]).all()
            assert (data.y == blobs[1]).all()
    assert refused > 10


def test_a_bomb_is_refused_before_it_is_unpacked(archive):
    source = archive(np.savez_compressed, x=np.zeros(10**7), y=np.arange(10))
    assert source.path.stat().st_size < 10**6
    small = source.model_copy(update={"maximum_bytes": 10**6})
    for use in (small.describe, lambda: small.load(RNG)):
        with pytest.raises(DataError, match=r"unpacks to 80000128 bytes.*maximum_bytes"):
            use()


def test_a_header_that_claims_too_many_samples_is_refused(archive, blobs):
    source = archive(x=blobs[0], y=blobs[1])
    content = source.path.read_bytes()
    content = content.replace(b"(30, 2)", b"(30, 9)")
    source.path.write_bytes(content)
    with pytest.raises(DataError, match=r"the array x .*damaged"):
        source.load(RNG)


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
        (b"", "not a valid IDX file"),
        (b"\0\0\x08", "not a valid IDX file"),
        (b"a,b\n1,2", "not a valid IDX file"),
        (b"\0\0\x07\x01" + b"\0" * 8, "not a valid IDX file"),
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
