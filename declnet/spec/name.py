"""The name of a run, which is its folder's name too."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from declnet.components.located_error import custom_error

MAXIMUM_BYTES = 100


def fit_name(text: str) -> str:
    """A text made fit to name a run and its folder, e.g. a file's stem."""
    kept = "".join("_" if each in "/\\" or not each.isprintable() else each for each in text)
    cut = kept.lstrip(". \t").encode()[:MAXIMUM_BYTES].decode(errors="ignore").rstrip()
    return cut or "run"


def _fits(name: str) -> str:
    if name != fit_name(name):
        message = (
            "must serve as a folder's name: no /, \\ or line break, no dot first, at most "
            f"{MAXIMUM_BYTES} bytes"
        )
        raise custom_error("name", message, hint=f'write "{fit_name(name)}"')
    return name


Name = Annotated[str, AfterValidator(_fits)]
"""A string that serves as a folder's name."""
