"""Images in folders: a subfolder for each class, or a table of paths and labels."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, Blocks, DataError, DataInfo, Dataset, DataSource, Shape
from declnet_plugins.standard.data.image_list import (
    LIST_SUFFIXES,
    ImageList,
    lists_images,
    read_list,
)
from declnet_plugins.standard.data.pixels import SUFFIXES, ImageReading, read_header
from declnet_plugins.standard.layers.window import Sizes

LITTER = ("desktop.ini", "thumbs.db")
"""What file managers leave in folders, besides files whose names begin with a dot."""

MOST_NAMED = 3
"""Maximum number of files that a message names."""

MOST_EXAMINED, MOST_DECODED = 1000, 50
"""Maximum number of images whose size, and whose colors, `declnet new` looks at."""

LARGEST_SIDE = 64
"""Pixels of the longer side that `declnet new` scales larger images to."""

EQUAL_CHANNELS = 4
"""Difference between the channels of a pixel up to which it is gray, as JPEG rounds."""


class ImageFolder(DataSource):
    """Images in the subfolders of a folder, whose names are the classes, e.g. pets/cat/1.png.

    x: (n, 3, height, width), or (n, 1, height, width) in gray, bytes from 0 to 255; y: labels (n,),
    by the sorted names of the subfolders. The samples are in the order of their paths. Images are
    turned as their EXIF data says, transparent ones are put on white, 16 bits become 8, and of a
    moving image the first one counts. Needs the extra `images` (Pillow).

    Subfolders of a class belong to it. In place of subfolders, `labels` is a table, such as a CSV
    file, with a row for each image: its path in the folder, and its class. To predict, a folder
    needs no subfolders: all images in it count, a table needs no classes, and a single file is one
    image.

    Like torchvision's ImageFolder and Keras's image_dataset_from_directory.
    """

    type = "image_folder"
    suffixes = SUFFIXES
    reads_folders = True
    list_suffixes = LIST_SUFFIXES
    modality = "image"
    examples = (
        {"path": "pets", "size": 64},
        {"path": "digits", "size": [8, 6], "color": "gray"},
        {"path": "photos", "labels": "breeds.csv", "target": "breed", "size": 64, "crop": True},
    )

    path: Path = Field(description="the folder with a subfolder for each class")
    labels: Path | None = Field(
        default=None,
        description="a table of paths in the folder and classes, .csv or .tsv, in place of "
        "subfolders",
    )
    image_column: str | None = Field(
        default=None,
        description="the table's column of paths; default: the first one in which all end as the "
        "names of images do",
    )
    target: str | None = Field(
        default=None, description="the table's column of classes; default: the only other column"
    )
    size: Sizes | None = Field(
        default=None,
        description="size to scale images to: a number, or [height, width]; default: no scaling, "
        "if all have the same size",
    )
    crop: bool = Field(
        default=False,
        description="whether to crop images to the shape of size, on both sides, instead of "
        "stretching them",
    )
    color: Literal["rgb", "gray"] = Field(default="rgb", description="channels: three or one")
    maximum_pixels: int = Field(
        default=2**26, ge=1, description="maximum number of pixels of an image"
    )
    maximum_bytes: int = Field(
        default=2**33,
        ge=1,
        description="size limit of all images in memory together, in bytes",
    )

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Write two images of two classes."""
        from PIL import Image

        for number, kind in enumerate(("cat", "dog")):
            (folder / kind).mkdir()
            for name in ("first.png", "second.png"):
                pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / kind / name)
        return {"path": folder}

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Return whether a table of few columns lists images that are where it says."""
        return lists_images(path, SUFFIXES)

    @classmethod
    def for_file(cls, path: Path, like: Self | None = None) -> DataSource:
        """Return the source of a folder, of a single image, or of a table that lists images.

        The paths in a table are relative to its folder or, if its first image is not there, to the
        folder of the training data.
        """
        fields = (
            {} if like is None else {name: getattr(like, name) for name in like.model_fields_set}
        )
        named = {name: fields.pop(name, None) for name in ("path", "labels")}
        if not path.name.lower().endswith(LIST_SUFFIXES):
            columns = ("image_column", "target")
            return cls.model_validate(
                {**{name: fields[name] for name in fields.keys() - columns}, "path": path}
            )
        source = cls.model_validate({**fields, "path": path.parent, "labels": path})
        folder = named["path"]
        if folder is not None and folder != path.parent and folder.is_dir():
            first = source._list(path, labeled=False).paths[0]
            if not (path.parent / first).exists():
                return source.model_copy(update={"path": folder})
        return source

    @model_validator(mode="after")
    def _keys_fit_each_other(self) -> Self:
        if self.crop and self.size is None:
            raise ValueError("crop has no effect without size")
        if self.labels is None:
            for name in ("image_column", "target"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} is a column of labels, a table, which is not given")
        elif not self.labels.name.lower().endswith(LIST_SUFFIXES):
            raise ValueError(f"labels is a table whose name ends in {', '.join(LIST_SUFFIXES)}")
        return self

    def with_target(self, column: str | None) -> Self:
        """Return this source with another column of classes, if a table lists the images."""
        return self if self.labels is None else super().with_target(column)

    def with_detected_format(self) -> Self:
        """Return the source with a size that suits most of the images, and gray if all are.

        Images of one size of at most LARGEST_SIDE pixels keep it; others are scaled and cropped.
        """
        files = self._labeled()[0]
        examined = [files[index] for index in even_positions(len(files), MOST_EXAMINED)]
        headers = [read_header(file) for file in examined]
        sizes = Counter((header.height, header.width) for header in headers)
        height, width = np.median([*sizes.elements()], axis=0).tolist()
        scale = min(1.0, LARGEST_SIDE / max(height, width))
        size = (max(1, round(scale * height)), max(1, round(scale * width)))
        shapes = {round(height / width, 2) for height, width in sizes}
        colored = [file for file, header in zip(examined, headers, strict=True) if not header.gray]
        reading = ImageReading(size, crop=False, gray=False, maximum_pixels=self.maximum_pixels)
        shown = [colored[index] for index in even_positions(len(colored), MOST_DECODED)]
        is_gray = all(
            np.ptp(reading.pixels(file), axis=0).max() <= EQUAL_CHANNELS for file in shown
        )
        detected: dict[str, Any] = {"size": size, "crop": len(shapes) > 1}
        if self.labels is not None:
            listed = self._list(self.labels, labeled=True)
            detected |= {"image_column": listed.image_column, "target": listed.target}
        return self.model_copy(update=detected | {"color": "gray" if is_gray else "rgb"})

    def describe(self) -> DataInfo:
        """List the files; read the size of the first image if `size` is not given."""
        files, labels, classes = self._labeled()
        return DataInfo(
            sample_shape=self._shape(files[0]),
            dtype="integer",
            target="classes",
            classes=len(classes),
            samples=len(files),
            labels=(0, int(labels.max())),
            class_names=classes,
        )

    def load(self, rng: np.random.Generator) -> Dataset:
        """Read all images; nothing is random."""
        files, labels, classes = self._labeled()
        return Dataset(self._read(files), labels, class_names=classes)

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset]:
        """Read the images in parts."""
        blocks = self.blocks(samples, sys.maxsize)
        yield from map(blocks.read, range(len(blocks.sizes)))

    def blocks(self, samples: int, numbers: int) -> Blocks:
        """Read consecutive images, each from its file."""
        files, labels, classes = self._labeled()
        shape = self._shape(files[0])
        size = Blocks.samples_in_block(samples, numbers, int(np.prod(shape)))
        starts = range(0, len(files), size)

        def read(number: int) -> Dataset:
            part = slice(starts[number], starts[number] + size)
            return Dataset(self._read(files[part], shape), labels[part], class_names=classes)

        return Blocks(tuple(min(size, len(files) - start) for start in starts), read)

    def input_chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Array]:
        """Read all images of the folder in parts, whatever its subfolders are, or a single file."""
        files = self._unlabeled()
        if not files:
            raise DataError(f"{self.path}: has no images ({', '.join(SUFFIXES)})")
        shape = self._shape(files[0])
        for start in range(0, len(files), samples):
            yield self._read(files[start : start + samples], shape)

    def sample_names(self) -> tuple[str, ...]:
        """Return the images' paths in the folder, as the table has them if there is one."""
        if self.labels is not None:
            return self._list(self.labels, labeled=False).paths
        folder = self.path.parent if self.path.is_file() else self.path
        return tuple(file.relative_to(folder).as_posix() for file in self._unlabeled())

    def _list(self, labels: Path, labeled: bool) -> ImageList:
        return read_list(labels, SUFFIXES, self.image_column, self.target, labeled)

    def _unlabeled(self) -> list[Path]:
        if self.labels is not None:
            return [self.path / name for name in self._list(self.labels, labeled=False).paths]
        return [self.path] if self.path.is_file() else self._images(self.path)

    def _labeled(self) -> tuple[list[Path], Array, tuple[str, ...]]:
        """Return the images in order, their labels, and the classes."""
        if self.labels is not None:
            listed = self._list(self.labels, labeled=True)
            classes = tuple(sorted({*listed.labels}))
            number = {name: label for label, name in enumerate(classes)}
            labels = np.array([number[name] for name in listed.labels])
            return [self.path / name for name in listed.paths], labels, classes
        if self.path.is_file():
            raise DataError(f"{self.path}: is a file, but classes are subfolders of a folder")
        try:
            entries = sorted(path for path in self.path.iterdir() if not _is_litter(path.name))
        except OSError as error:
            what = "there is no such folder" if not self.path.exists() else error.strerror
            raise DataError(f"{self.path}: {what}") from None
        folders = [entry for entry in entries if entry.is_dir()]
        loose = [entry for entry in entries if entry.suffix.lower() in SUFFIXES and entry.is_file()]
        if not folders or loose:
            misplaced = f"{loose[0].name} is in none" if folders and loose else "it has none"
            raise DataError(
                f"{self.path}: images belong in a subfolder for each class, but {misplaced}",
                hint="move each image into the folder of its class, or list images and classes in "
                "a table: labels = …",
            )
        by_class = {folder.name: self._images(folder) for folder in folders}
        for name, files in by_class.items():
            if not files:
                raise DataError(f"{self.path / name}: has no images, so there is no such class")
        counts = [len(files) for files in by_class.values()]
        files = [file for files_of_class in by_class.values() for file in files_of_class]
        return files, np.repeat(np.arange(len(counts)), counts), tuple(by_class)

    def _images(self, folder: Path) -> list[Path]:
        """Return the images in a folder and its subfolders, in the order of their paths."""

        def refuse(error: OSError) -> None:
            raise DataError(f"{error.filename}: cannot be read: {error.strerror}")

        images, others = list[Path](), list[Path]()
        for directory, folders, names in os.walk(folder, onerror=refuse):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if not _is_litter(name):
                    file = Path(directory, name)
                    (images if file.suffix.lower() in SUFFIXES else others).append(file)
        if others:
            first, *more = sorted(others)
            raise DataError(
                f"{first}: not an image ({', '.join(SUFFIXES)}){_others(more)}",
                hint="keep other files out of folders of images",
            )
        return sorted(images, key=lambda file: file.parts)

    @property
    def _reading(self) -> ImageReading:
        return ImageReading(self.size, self.crop, self.color == "gray", self.maximum_pixels)

    def _shape(self, first: Path) -> Shape:
        """Return the shape of a sample: with `size`, or the size of the first image."""
        height, width = self.size or self._reading.pixels(first).shape[1:]
        return (1 if self.color == "gray" else 3, height, width)

    def _read(self, files: list[Path], shape: Shape | None = None) -> Array:
        """Return images as (n, channels, height, width); raise DataError naming unusable ones."""
        shape = shape or self._shape(files[0])
        size = len(files) * int(np.prod(shape))
        if size > self.maximum_bytes:
            raise DataError(
                f"{self.path}: its {len(files)} images of {shape} take {size} bytes, more than "
                f"{self.maximum_bytes}",
                hint="use a smaller size, or raise maximum_bytes if this size is intended",
            )
        x = np.empty((len(files), *shape), np.uint8)
        reading, faults = self._reading, dict[Path, DataError]()
        for filled, file in zip(x, files, strict=True):
            try:
                filled[...] = reading.pixels(file, shape)
            except DataError as error:
                faults[file] = error
        if faults:
            first, *more = faults
            fault = faults[first]
            hint = fault.hint or "replace or remove it"
            if self.labels is not None and not first.exists():
                hint = f"{self.labels} lists it; its paths are relative to {self.path}"
            raise DataError(f"{fault.message}{_others(more)}", hint=hint)
        return x


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def _others(files: list[Path]) -> str:
    """Return the end of a message about a file that also concerns others."""
    if not files:
        return ""
    more = ", …" if len(files) > MOST_NAMED else ""
    named = ", ".join(map(str, files[:MOST_NAMED]))
    return f" (and {len(files)} more: {named}{more})"


def even_positions(count: int, most: int) -> Array:
    """Return up to `most` positions among `count`, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
