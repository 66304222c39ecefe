"""The report's pictures: misclassified ones first, with escaped names."""

from __future__ import annotations

import re

import numpy as np
import pytest

import declnet
from declnet_plugins.standard.data.image_panel import ExamplePictures

Image = pytest.importorskip("PIL.Image", reason="the extra images is not installed")

SPEC = {
    "declnet": 1,
    "model": {"layers": ["flatten", {"type": "dense", "units": 2}, "softmax"]},
    "loss": "categorical_crossentropy",
    "optimizer": {"type": "adam", "learning_rate": 0.05},
    "training": {"epochs": 40},
}


def test_misclassified_pictures_come_first_with_their_files_and_classes(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(16):
        name, low = (("dark", 0), ("light <b>", 160))[number % 2]
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(low, low + 90, (4, 6, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    Image.fromarray(np.full((4, 6, 3), 250, np.uint8)).save(tmp_path / "photos/dark/wrong.png")
    source = {"type": "image_folder", "path": str(tmp_path / "photos")}
    data = {"train": source, "prepare": ["normalize"]}
    declnet.run(declnet.parse_spec(SPEC | {"data": data}), out=tmp_path / "run")
    html = ExamplePictures().render(declnet.open_run(tmp_path / "run"))
    assert "1 of 17 samples are misclassified" in html
    captions = re.findall(r'alt="([^"]*)"', html)
    assert captions[0] == "dark/wrong.png: dark, predicted light &lt;b&gt;"
    assert len(captions) == 13
    assert all("predicted correctly" in caption for caption in captions[1:])
    assert "light <b>" not in html
    assert html.count("data:image/png;base64,") == len(captions)


def test_tables_have_no_pictures(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 3))
    spec = declnet.parse_spec(SPEC | {"training": {"epochs": 1}})
    declnet.run(spec, {"train": (x, (x[:, 0] > 0).astype(int))}, out=tmp_path / "run")
    assert ExamplePictures().render(declnet.open_run(tmp_path / "run")) is None
