"""Reading of single images by Pillow."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from declnet import Array, DataError, Shape

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

GRAY_MODES = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L")
"""What Pillow calls images without color."""

ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)
"""The tag of EXIF, and its values for images that are turned by a quarter."""


@dataclass(frozen=True)
class ImageHeader:
    """What the first bytes of an image say.

    Attributes:
        height: in pixels, after it is turned as its EXIF data says.
        width: the same.
        gray: whether it has no colors; others may be gray, too.
    """

    height: int
    width: int
    gray: bool


def read_header(file: Path) -> ImageHeader:
    """Return what an image's first bytes say; raise DataError if it is not an image."""
    with _opened(file) as image:
        height, width = image.height, image.width
        if image.getexif().get(ORIENTATION) in TURNED:
            height, width = width, height
        return ImageHeader(height, width, image.mode in GRAY_MODES)


@dataclass(frozen=True)
class ImageReading:
    """How images become arrays.

    Attributes:
        size: height and width to scale them to; None for no scaling.
        crop: whether to cut off what does not fit the shape of size, instead of stretching.
        gray: whether they have one channel, or three.
        maximum_pixels: the most pixels of an image; it is refused before it is decoded.
    """

    size: tuple[int, int] | None
    crop: bool
    gray: bool
    maximum_pixels: int

    def pixels(self, file: Path, shape: Shape | None = None) -> Array:
        """Return an image as bytes (channels, height, width).

        Args:
            file: the image.
            shape: what other images have; None for any.

        Raises:
            DataError: it is missing, damaged or too large, or has another shape.
        """
        with _opened(file) as image:
            from PIL import Image, ImageOps

            if image.width * image.height > self.maximum_pixels:
                raise DataError(
                    f"{file}: has {image.width} x {image.height} pixels, more than "
                    f"{self.maximum_pixels}",
                    hint="raise maximum_pixels if this size is intended",
                )
            turned = ImageOps.exif_transpose(image)
            pixels = _opaque(turned).convert("L" if self.gray else "RGB")
        if self.size is not None and pixels.size != self.size[::-1]:
            size, method = self.size[::-1], Image.Resampling.BILINEAR
            pixels = (
                ImageOps.fit(pixels, size, method) if self.crop else pixels.resize(size, method)
            )
        array = np.asarray(pixels)
        array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
        if shape is not None and array.shape != shape:
            raise DataError(
                f"{file}: has {array.shape[2]} x {array.shape[1]} pixels, but images before "
                f"it have {shape[2]} x {shape[1]}",
                hint="give a size that all are scaled to, e.g. size = 64",
            )
        return array


@contextmanager
def _opened(file: Path) -> "Iterator[Image]":
    """Yield an image; raise DataError for whatever Pillow raises on it."""
    try:
        from PIL import Image
    except ImportError:
        raise DataError(
            'the data source image_folder needs Pillow: pip install "declnet[images]"'
        ) from None
    try:
        with Image.open(file) as image:
            yield image
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{file}: there is no such file") from None
    except Exception as error:  # Pillow can raise anything on a damaged file
        raise DataError(
            f"{file}: not a valid image, or damaged: {_cause(error)}", hint="replace or remove it"
        ) from None


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
