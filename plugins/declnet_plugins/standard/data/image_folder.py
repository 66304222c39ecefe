"""Images in the subfolders of a folder, one for each class."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, DataError, DataInfo, Dataset, DataSource, Shape
from declnet_plugins.standard.layers.window import Sizes

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
LITTER = ("desktop.ini", "thumbs.db")
"""What file managers leave in folders, besides files whose names begin with a dot."""


class ImageFolder(DataSource):
    """Images in the subfolders of a folder, whose names are the classes, e.g. pets/cat/1.png.

    x: (n, 3, height, width), or (n, 1, height, width) in gray, bytes from 0 to 255; y: labels (n,),
    by the sorted names of the subfolders. The samples are in the order of their paths. Images are
    turned as their EXIF data says, transparent ones are put on white, 16 bits become 8, and of a
    moving image the first one counts. Needs the extra `images` (Pillow).

    Subfolders of a class belong to it. To predict, a folder needs no subfolders: all images in it
    count, and a single file is one image.

    Like torchvision's ImageFolder and Keras's image_dataset_from_directory.
    """

    type = "image_folder"
    suffixes = SUFFIXES
    reads_folders = True
    examples = ({"path": "pets", "size": 64}, {"path": "digits", "size": [8, 6], "color": "gray"})

    path: Path = Field(description="the folder with a subfolder for each class")
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
        default=2**33, ge=1, description="size limit of all images together, in bytes"
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

    @model_validator(mode="after")
    def _crop_needs_size(self) -> Self:
        if self.crop and self.size is None:
            raise ValueError("crop has no effect without size")
        return self

    def describe(self) -> DataInfo:
        """List the files; read the size of the first image if `size` is not given."""
        files, labels, classes = self._labeled()
        return DataInfo(
            sample_shape=self._shape(files[0]),
            dtype="integer",
            target="classes",
            classes=len(classes),
            samples=len(files),
            labels=(0, int(labels[-1])),
            class_names=classes,
        )

    def load(self, rng: np.random.Generator) -> Dataset:
        """Read all images; nothing is random."""
        files, labels, classes = self._labeled()
        return Dataset(self._read(files), labels, class_names=classes)

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset]:
        """Read the images in parts."""
        files, labels, classes = self._labeled()
        shape = self._shape(files[0])
        for start in range(0, len(files), samples):
            part = slice(start, start + samples)
            yield Dataset(self._read(files[part], shape), labels[part], class_names=classes)

    def input_chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Array]:
        """Read all images of the folder in parts, whatever its subfolders are, or a single file."""
        files = self._unlabeled()
        if not files:
            raise DataError(f"{self.path}: has no images ({', '.join(SUFFIXES)})")
        shape = self._shape(files[0])
        for start in range(0, len(files), samples):
            yield self._read(files[start : start + samples], shape)

    def sample_names(self) -> tuple[str, ...]:
        """Return the images' paths in the folder."""
        folder = self.path.parent if self.path.is_file() else self.path
        return tuple(file.relative_to(folder).as_posix() for file in self._unlabeled())

    def _unlabeled(self) -> list[Path]:
        return [self.path] if self.path.is_file() else self._images(self.path)

    def _labeled(self) -> tuple[list[Path], Array, tuple[str, ...]]:
        """Return the images in order, their labels, and the classes."""
        if self.path.is_file():
            raise DataError(f"{self.path}: is a file, but classes are subfolders of a folder")
        try:
            entries = sorted(path for path in self.path.iterdir() if not _is_litter(path.name))
        except OSError as error:
            what = "there is no such folder" if not self.path.exists() else error.strerror
            raise DataError(f"{self.path}: {what}") from None
        folders = [entry for entry in entries if entry.is_dir()]
        beside = [
            entry for entry in entries if entry.suffix.lower() in SUFFIXES and entry.is_file()
        ]
        if not folders or beside:
            misplaced = f"{beside[0].name} is in none" if folders and beside else "it has none"
            raise DataError(
                f"{self.path}: images belong in a subfolder for each class, but {misplaced}"
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

        images = []
        for directory, folders, names in os.walk(folder, onerror=refuse):
            folders[:] = [name for name in folders if not name.startswith(".")]
            files = [Path(directory, name) for name in names if not _is_litter(name)]
            others = sorted(file for file in files if file.suffix.lower() not in SUFFIXES)
            if others:
                raise DataError(
                    f"{others[0]}: not an image ({', '.join(SUFFIXES)})",
                    hint="keep other files out of folders of images",
                )
            images += files
        return sorted(images, key=lambda file: file.parts)

    def _shape(self, first: Path) -> Shape:
        """Return the shape of a sample: with `size`, or the size of the first image."""
        height, width = self.size or self._pixels(first).shape[1:]
        return (1 if self.color == "gray" else 3, height, width)

    def _read(self, files: list[Path], shape: Shape | None = None) -> Array:
        """Return images as (n, channels, height, width)."""
        shape = shape or self._shape(files[0])
        size = len(files) * int(np.prod(shape))
        if size > self.maximum_bytes:
            raise DataError(
                f"{self.path}: its {len(files)} images of {shape} take {size} bytes, more than "
                f"{self.maximum_bytes}",
                hint="use a smaller size, or raise maximum_bytes if this size is intended",
            )
        x = np.empty((len(files), *shape), np.uint8)
        for filled, file in zip(x, files, strict=True):
            pixels = self._pixels(file)
            if pixels.shape != shape:
                raise DataError(
                    f"{file}: has {pixels.shape[2]} x {pixels.shape[1]} pixels, but images before "
                    f"it have {shape[2]} x {shape[1]}",
                    hint="give a size that all are scaled to, e.g. size = 64",
                )
            filled[...] = pixels
        return x

    def _pixels(self, file: Path) -> Array:
        """Return an image as (channels, height, width)."""
        try:
            from PIL import Image, ImageOps
        except ImportError:
            raise DataError(
                'the data source image_folder needs Pillow: pip install "declnet[images]"'
            ) from None
        try:
            with Image.open(file) as image:
                self._require_few_pixels(file, image)
                turned = ImageOps.exif_transpose(image)
                pixels = _opaque(turned).convert("L" if self.color == "gray" else "RGB")
        except DataError:
            raise
        except Exception as error:  # Pillow can raise anything on a damaged file
            raise DataError(f"{file}: not a valid image, or damaged: {_cause(error)}") from None
        if self.size is not None and pixels.size != (self.size[1], self.size[0]):
            size, method = (self.size[1], self.size[0]), Image.Resampling.BILINEAR
            crop = self.crop
            pixels = ImageOps.fit(pixels, size, method) if crop else pixels.resize(size, method)
        array = np.asarray(pixels)
        return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)

    def _require_few_pixels(self, file: Path, image: "Image") -> None:
        if image.width * image.height > self.maximum_pixels:
            raise DataError(
                f"{file}: has {image.width} x {image.height} pixels, more than "
                f"{self.maximum_pixels}",
                hint="raise maximum_pixels if this size is intended",
            )


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def _opaque(image: "Image") -> "Image":
    """Return an image of 8 bits without transparency: on white."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("its pixels have 32 bits, not 8 or 16")
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
    return image


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).splitlines()
    return "unknown format" if not lines or "cannot identify" in lines[0] else lines[0]
