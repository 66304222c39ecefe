"""`declnet new` for images: from a folder or a table of files to predictions."""

from __future__ import annotations

import csv
import io
import tomllib

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image", reason="the extra images is not installed")


@pytest.fixture
def photos(tmp_path):
    """A folder of images of level or upright bars, in two classes."""
    rng = np.random.default_rng(0)
    for number in range(40):
        name = ("level", "upright & wide")[number % 2]
        pixels = rng.integers(0, 60, (12, 12))
        place = rng.integers(3, 9)
        pixels[(slice(None), place) if number % 2 else (place, slice(None))] = 250
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "photos"


def test_from_a_folder_of_images_to_predictions(photos, declnet_cli, tmp_path):
    done = declnet_cli("new", "s.toml", "--data", photos)
    assert (done.returncode, done.stderr) == (
        0,
        "note: 40 images in 2 classes, 12 x 12 pixels in gray\n",
    )
    text = (tmp_path / "s.toml").read_text()
    assert len(text.splitlines()) <= 40
    assert max(map(len, text.splitlines())) <= 120
    train = tomllib.loads(text)["data"]["train"]
    assert train == {"type": "image_folder", "path": "photos", "size": [12, 12], "color": "gray"}
    declnet_cli.succeeds(
        "run",
        "s.toml",
        "--out",
        "run",
        "--set",
        "training.epochs=12",
        "--set",
        "training.batch_size=8",
    )
    (photos / "level" / "0.png").rename(tmp_path / "one.png")
    rows = list(csv.DictReader(io.StringIO(declnet_cli.succeeds("predict", "run", "one.png"))))
    assert [(row["file"], row["prediction"]) for row in rows] == [("one.png", "level")]
    rows = list(csv.DictReader(io.StringIO(declnet_cli.succeeds("predict", "run", photos))))
    right = [row["file"].startswith(row["prediction"] + "/") for row in rows]
    assert sum(right) >= 35


def test_a_table_of_paths_and_labels(photos, declnet_cli, tmp_path):
    files = sorted(photos.glob("*/*.png"))
    lines = [f"{file.relative_to(tmp_path)},{file.parent.name},x" for file in files]
    (tmp_path / "list.csv").write_text("\n".join(["file,kind,other", *lines]))
    refused = declnet_cli("new", "s.toml", "--data", "list.csv")
    assert refused.returncode == 2
    assert 'the column of labels is one of "kind", "other"' in refused.stderr
    assert declnet_cli("new", "s.toml", "--data", "list.csv", "--target", "kind").returncode == 0
    train = tomllib.loads((tmp_path / "s.toml").read_text())["data"]["train"]
    assert train["labels"] == "list.csv"
    assert (train["image_column"], train["target"]) == ("file", "kind")
    declnet_cli.succeeds("check", "s.toml")


def test_options_of_tables_are_refused(photos, refused):
    error = refused("new", "s.toml", "--data", photos, "--target", "kind")
    assert "--target names a column, but" in error
    error = refused("new", "s.toml", "--data", photos, "--exclude", "kind")
    assert "--exclude is for tables, but" in error
    error = refused("new", "s.toml", "--data", photos, "--preset", "mlp")
    assert 'template "mlp" does not write specs for arrays (those that do: images)' in error


def test_folds_and_test_follow_the_options(photos, declnet_cli, tmp_path):
    for options, expected in (
        (("--folds", 3), {"folds": 3}),
        (("--test", 0), {"validation": 0.1}),
        (("--test", 0.5), {"validation": 0.1, "test": 0.5}),
    ):
        command = ("new", "s.toml", "--data", photos, "--force", *options)
        assert declnet_cli(*command).returncode == 0
        data = tomllib.loads((tmp_path / "s.toml").read_text())["data"]
        assert {
            key: data[key] for key in ("folds", "validation", "test") if key in data
        } == expected


def test_other_arrays_are_refused(refused, tmp_path):
    np.savez(tmp_path / "rows.npz", x=np.zeros((6, 5)), y=np.arange(6) % 2)
    error = refused("new", "s.toml", "--data", "rows.npz")
    assert "holds samples of shape (5,), not a table or images" in error


def test_arrays_of_images_are_described_too(declnet_cli, tmp_path):
    x = np.random.default_rng(0).random((30, 1, 9, 8))
    np.savez(tmp_path / "images.npz", x=x, y=np.arange(30) % 3)
    done = declnet_cli("new", "s.toml", "--data", "images.npz")
    assert done.stderr == "note: 30 images in 3 classes, 8 x 9 pixels in gray\n"
    data = tomllib.loads((tmp_path / "s.toml").read_text())["data"]
    assert data["train"] == {"type": "npz", "path": "images.npz"}
    assert [step["type"] for step in data["prepare"]] == ["augment"]  # floats are not scaled
    declnet_cli.succeeds("check", "s.toml")
