"""Picture files: checked before any work is done, then written."""

from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from declnet import OutputError, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")

PIXELS_PER_INCH = 140


def check_picture(path: Path) -> None:
    """Refuse a picture that cannot be drawn or written.

    Raises:
        OutputError: matplotlib or the folder is missing, or the suffix is not an image format's.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: a picture's name ends in {' or '.join(SUFFIXES)}")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; make it first")
    if not _installed():
        message = "pictures are drawn with matplotlib, which is missing"
        raise OutputError(f"{path}: {message}: pip install 'declnet[plot]'")


def _installed() -> bool:
    try:
        return find_spec("matplotlib") is not None
    except ImportError:
        return False


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure in the format of its suffix, byte for byte reproducibly.

    Raises:
        OutputError: the file cannot be written.
    """
    from matplotlib import rc_context

    content = BytesIO()
    form = path.suffix.lower().removeprefix(".")
    undated = {"Date": None} if form == "svg" else {"Software": None}
    with rc_context({"svg.hashsalt": "declnet"}):
        figure.savefig(content, format=form, dpi=PIXELS_PER_INCH, metadata=undated)
    try:
        write_atomically(path, content.getvalue())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
