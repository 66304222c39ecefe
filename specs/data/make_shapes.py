"""Makes shapes/: small gray images of disks, rings and squares, `python specs/data/make_shapes.py`.

A folder for the training data and one for the test data, each with a subfolder for each class.
Size, place and brightness are drawn at random, and the pixels have noise. Needs Pillow, the extra
`images`. The images are made where they are needed and not kept in the repository.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIZE = 24
COUNTS = {"train": 150, "test": 50}
"""Images of each class."""
NOISE = 20.0


def drawn(shape: str, rng: np.random.Generator) -> np.ndarray:
    """Return an image (SIZE, SIZE) of bytes."""
    radius = rng.uniform(4, 9)
    row, column = rng.uniform(radius + 1, SIZE - radius - 1, 2)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    if shape == "square":
        distance = np.maximum(np.abs(rows - row), np.abs(columns - column))
    else:
        distance = np.hypot(rows - row, columns - column)
    inside = (distance < radius) & ((distance > 0.6 * radius) | (shape != "ring"))
    image = (
        inside * rng.uniform(90, 200) + rng.uniform(20, 50) + NOISE * rng.normal(size=(SIZE,) * 2)
    )
    return np.clip(image, 0, 255).astype(np.uint8)


def make(folder: Path, seed: int = 0) -> None:
    """Write all images into folder/train and folder/test."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    for part, count in COUNTS.items():
        for shape in ("disk", "ring", "square"):
            subfolder = folder / part / shape
            subfolder.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                Image.fromarray(drawn(shape, rng)).save(subfolder / f"{number:03}.png")


if __name__ == "__main__":
    make(Path(__file__).parent / "shapes")
