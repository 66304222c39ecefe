"""Folders of images: order, classes, sizes, colors, and damaged files."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

import declnet
from declnet import DataError, DataInfo, parse_spec
from declnet.training.checks.check import check_spec
from declnet_plugins.standard.data.image_folder import ImageFolder

Image = pytest.importorskip("PIL.Image", reason="the extra images is not installed")

RNG = np.random.default_rng(2)


@pytest.fixture
def pets(tmp_path):
    """Return a folder of classes, and a function that writes an image of an array into it."""
    folder = tmp_path / "pets"

    def write(name, pixels, mode=None, **options):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.asarray(pixels, np.uint8))
        (image if mode is None else image.convert(mode)).save(file, **options)
        return file

    return folder, write


def load(folder, **fields):
    return ImageFolder(path=folder, **fields).load(np.random.default_rng(0))


def gray(value, shape=(4, 6)):
    return np.full(shape, value)


def test_samples_are_in_path_order_and_classes_in_name_order(pets):
    folder, write = pets
    for name, value in (("b/2.png", 4), ("b/10.PNG", 3), ("a/z/1.bmp", 2), ("a/1.png", 1)):
        write(name, gray(value))
    write("b/.hidden.png", gray(9))
    (folder / "b" / "Thumbs.db").write_text("x")
    (folder / "readme.txt").write_text("x")
    data = load(folder, color="gray")
    assert data.x[:, 0, 0, 0].tolist() == [1, 2, 3, 4]
    assert data.y.tolist() == [0, 0, 1, 1]
    assert data.class_names == ("a", "b")
    assert data.x.dtype == np.uint8
    source = ImageFolder(path=folder, color="gray")
    # other files are allowed only next to the folders of the classes
    (folder / "readme.txt").unlink()
    assert source.sample_names() == ("a/1.png", "a/z/1.bmp", "b/10.PNG", "b/2.png")
    assert source.describe() == replace(DataInfo.of(data.x, data.y), class_names=("a", "b"))
    parts = list(source.chunks(np.random.default_rng(0), 3))
    assert [len(part) for part in parts] == [3, 1]
    np.testing.assert_array_equal(np.concatenate([part.x for part in parts]), data.x)


def test_channels_come_first(pets):
    folder, write = pets
    pixels = RNG.integers(0, 256, (4, 6, 3))
    write("a/1.png", pixels)
    np.testing.assert_array_equal(load(folder).x[0], pixels.transpose(2, 0, 1))
    luma = pixels @ [0.299, 0.587, 0.114]
    assert np.abs(load(folder, color="gray").x[0, 0] - luma).max() <= 1
    write("a/2.png", gray(7))
    np.testing.assert_array_equal(load(folder).x[1], np.full((3, 4, 6), 7))


def test_images_are_stretched_to_a_size_or_cropped(pets):
    folder, write = pets
    halves = np.repeat([[0, 200]], 6, axis=1).repeat(4, axis=0)  # 4 x 12, black and bright
    write("a/1.png", halves)
    stretched = load(folder, size=4, color="gray").x[0, 0]
    assert stretched.shape == (4, 4)
    assert (stretched[:, 0] < 20).all()
    assert (stretched[:, 3] > 180).all()
    cropped = load(folder, size=[4, 2], crop=True, color="gray").x[0, 0]
    np.testing.assert_array_equal(cropped, halves[:, 5:7])
    assert ImageFolder(path=folder, size=[5, 3]).describe().sample_shape == (3, 5, 3)
    with pytest.raises(ValueError, match="crop has no effect without size"):
        ImageFolder(path=folder, crop=True)


def test_transparent_pixels_are_white_and_exif_turns(pets):
    folder, write = pets
    pixels = np.zeros((4, 6, 4))
    pixels[0, 0] = (10, 20, 30, 255)
    write("a/1.png", pixels)
    result = load(folder).x[0]
    assert result[:, 0, 0].tolist() == [10, 20, 30]
    assert (result[:, 1:] == 255).all()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    write("b/1.png", gray(5, (6, 4)), exif=exif)
    assert load(folder).x.shape == (2, 3, 4, 6)


def test_16_bits_become_8(pets):
    folder, _ = pets
    (folder / "a").mkdir(parents=True)
    levels = np.array([[0, 255, 256, 65535]], np.uint16)
    Image.fromarray(levels).save(folder / "a" / "1.png")
    assert load(folder, color="gray").x[0, 0].tolist() == [[0, 0, 1, 255]]


def test_errors_name_what_is_wrong(pets):
    folder, write = pets
    with pytest.raises(DataError, match="pets: there is no such folder"):
        load(folder)
    write("1.png", gray(1))
    with pytest.raises(DataError, match="in a subfolder for each class, but it has none"):
        load(folder)
    with pytest.raises(DataError, match=r"1.png: is a file, but classes are subfolders"):
        load(folder / "1.png")
    write("a/1.png", gray(1))
    with pytest.raises(DataError, match=r"for each class, but 1\.png is in none"):
        load(folder)
    (folder / "1.png").unlink()
    (folder / "b").mkdir()
    with pytest.raises(DataError, match="b: has no images, so there is no such class"):
        load(folder)
    write("b/1.png", gray(1, (3, 5)))
    with pytest.raises(
        DataError, match=r"1.png: has 5 x 3 pixels, but images before it have 6 x 4"
    ):
        load(folder)
    assert load(folder, size=3).x.shape == (2, 3, 3, 3)
    with pytest.raises(DataError, match=r"1.png: has 6 x 4 pixels, more than 20"):
        load(folder, size=3, maximum_pixels=20)
    with pytest.raises(DataError, match=r"2 images of .* take 54 bytes, more than 53"):
        load(folder, size=3, maximum_bytes=53)
    (folder / "b" / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"notes.txt: not an image \(.bmp"):
        load(folder, size=3)
    for name in ("a.json", "b.json"):
        (folder / "b" / name).write_text("x")
    with pytest.raises(DataError, match=r"a.json: not an image .* \(and 2 more: .*b.json"):
        load(folder, size=3)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tiff", "webp"])
def test_damaged_images_are_named(suffix, pets):
    folder, write = pets
    write("a/1.png", gray(1))
    file = write(f"b/1.{suffix}", RNG.integers(0, 256, (64, 64, 3)))
    whole = file.read_bytes()
    for damaged in (b"", b"nothing", whole[: len(whole) // 2], whole[:20] + bytes(200)):
        file.write_bytes(damaged)
        with pytest.raises(DataError, match=f"b/1.{suffix}: not a valid image, or damaged: "):
            load(folder, size=3)


SPEC = {
    "declnet": 1,
    "model": {"layers": ["flatten", {"type": "dense", "units": 2}, "softmax"]},
    "loss": "categorical_crossentropy",
    "optimizer": {"type": "adam", "learning_rate": 0.1},
    "training": {"epochs": 30, "metrics": ["accuracy"]},
}


def test_classes_are_checked_before_any_image_is_loaded(pets):
    folder, write = pets
    for name in ("cat", "dog", "../rats/rat"):
        write(f"{name}/1.png", gray(1))
    train = {"type": "image_folder", "path": str(folder)}
    test = train | {"path": str(folder.parent / "rats")}
    for more, code in (({"positive_class": "rat"}, "E034"), ({"test": test}, "E031")):
        checked = check_spec(parse_spec(SPEC | {"data": {"train": train, **more}}))
        assert checked.sets is None
        (problem,) = checked.errors
        assert (problem.code, problem.path[:2]) == (code, ("data", *more))
        assert 'a class "rat"' in problem.message.replace("no class", "a class")


@pytest.fixture
def run(pets, tmp_path):
    """The folder of a run that distinguishes dark from bright images."""
    folder, write = pets
    for number in range(8):
        write(f"dark/{number}.png", RNG.integers(0, 90, (4, 4)))
        write(f"light/{number}.png", RNG.integers(160, 256, (4, 4)))
    source = {"type": "image_folder", "path": str(folder), "color": "gray"}
    data = {"train": source, "prepare": ["normalize"]}
    declnet.run(parse_spec(SPEC | {"data": data}), out=tmp_path / "run")
    return tmp_path / "run"


def test_a_run_predicts_and_evaluates_folders_and_files_by_the_names_of_classes(
    run, pets, declnet_cli, tmp_path
):
    folder, _ = pets
    rows = list(csv.DictReader(io.StringIO(declnet_cli.succeeds("predict", run, folder))))
    assert [row["file"] for row in rows[:2]] == ["dark/0.png", "dark/1.png"]
    assert all(row["prediction"] == row["file"].split("/")[0] for row in rows)
    assert len(rows) == 16
    lines = declnet_cli.succeeds("predict", run, folder / "light" / "3.png").splitlines()
    assert lines[0] == "file,prediction,probability_dark,probability_light"
    assert lines[1].startswith("3.png,light,")
    (folder / "dark").rename(tmp_path / "dark")  # the only class left is light, with the label 1
    evaluation = declnet.load_predictor(run).evaluate(folder)
    assert evaluation.metrics["accuracy"] == 1
    (folder / "light").rename(folder / "unknown")
    with pytest.raises(DataError, match='a class "unknown", which the training data does not have'):
        declnet.load_predictor(run).evaluate(folder)


def test_all_damaged_images_are_named_together(pets):
    folder, write = pets
    for number in range(4):
        write(f"a/{number}.png", gray(1))
    for number in (1, 3):
        (folder / "a" / f"{number}.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"1\.png: not a valid image.* \(and 1 more: .*3\.png"):
        load(folder)


@pytest.fixture
def listed(pets):
    """Return a table of images and classes, whose images are in one folder."""
    folder, write = pets
    lines = ["file,breed"]
    for number, name in enumerate(("b", "a", "b")):
        write(f"all/{number}.png", gray(10 * number))
        lines.append(f"all/{number}.png,{name}")
    table = folder / "breeds.csv"
    table.write_text("\n".join(lines))
    return table


def test_a_table_lists_images_and_classes(listed):
    data = load(listed.parent, labels=listed, color="gray")
    assert data.x[:, 0, 0, 0].tolist() == [0, 10, 20]
    assert (data.y.tolist(), data.class_names) == ([1, 0, 1], ("a", "b"))
    source = ImageFolder.for_file(listed).with_detected_format()
    assert source.sample_names() == ("all/0.png", "all/1.png", "all/2.png")
    expected = {"size": (4, 6), "color": "gray", "image_column": "file", "target": "breed"}
    assert {name: getattr(source, name) for name in expected} == expected


def test_other_tables_are_not_recognized_as_lists_of_images(listed):
    assert ImageFolder.recognizes(listed)
    table = listed.parent / "other.csv"
    for text in ("file,breed\nnowhere/1.png,a\n", "a,b,c,d\nall/0.png,1,2,3\n", "a,b\n1,2\n", ""):
        table.write_text(text)
        assert not ImageFolder.recognizes(table)
    assert not ImageFolder.recognizes(table.with_name("nothing.csv"))


def test_errors_name_what_is_wrong_in_a_table(listed):
    folder = listed.parent
    for text, message in (
        ("file,breed\nall/0.png,a\nall/7.png,b", r"7\.png: there is no such file"),
        ("file,breed\nall/0.png,a\nall/1.png,", r'breeds.csv: row 2: "breed" is missing'),
        ("file,breed,age\nall/0.png,a,1", 'the column of labels is one of "breed", "age"'),
        ("name,breed\nx,a", "has no column of paths of images"),
    ):
        listed.write_text(text)
        with pytest.raises(DataError, match=message):
            load(folder, labels=listed)
    with pytest.raises(ValueError, match="target is a column of labels"):
        ImageFolder(path=folder, target="breed")


def test_sizes_and_colors_are_detected(pets):
    folder, write = pets
    for number, shape in enumerate([(100, 200), (100, 200), (200, 100)]):
        write(f"a/{number}.png", gray(1, shape), mode="RGB")
    source = ImageFolder(path=folder).with_detected_format()
    assert (source.size, source.crop, source.color) == ((32, 64), True, "gray")
    write("a/3.png", RNG.integers(0, 256, (100, 200, 3)))
    assert ImageFolder(path=folder).with_detected_format().color == "rgb"


def test_a_table_of_paths_is_predicted_with_the_names_of_its_files(run, pets, declnet_cli):
    folder, _ = pets
    table = folder.parent / "new.csv"
    table.write_text("image\npets/light/1.png\npets/dark/2.png\n")
    rows = declnet_cli.succeeds("predict", run, table).splitlines()
    assert [row.rsplit(",", 2)[0] for row in rows[1:]] == [
        "pets/light/1.png,light",
        "pets/dark/2.png,dark",
    ]
    table.write_text("image\nlight/1.png\n")  # the folder of the training data
    assert "light/1.png,light" in declnet_cli.succeeds("predict", run, table)
    table.write_text("image,kind\nlight/1.png,light\ndark/2.png,light\n")
    assert declnet.load_predictor(run).evaluate(table).metrics["accuracy"] == 0.5


def test_images_are_streamed_to_the_same_weights(pets, tmp_path):
    folder, write = pets
    for number in range(12):
        write(f"{'ab'[number % 2]}/{number}.png", RNG.integers(0, 256, (4, 4)))
    source = {"type": "image_folder", "path": str(folder), "color": "gray"}
    weights = []
    for stream in (False, True):
        data = {"train": source, "prepare": ["normalize"], "stream": stream}
        training = {"epochs": 2, "batch_size": 4, "shuffle": False}
        spec = parse_spec(SPEC | {"data": data, "training": training})
        weights.append(declnet.run(spec, out=tmp_path / str(stream)).model.parameters())
    for name, array in weights[0].items():
        np.testing.assert_array_equal(array, weights[1][name])
