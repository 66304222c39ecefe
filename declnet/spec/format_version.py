"""The version of the format that a spec is written in."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from declnet.spec.upgrades import CURRENT


def _current(version: int) -> int:
    if version != CURRENT:
        message = f"must be {CURRENT}, the version that this declnet reads"
        raise PydanticCustomError("version", message)
    return version


FormatVersion = Annotated[int, AfterValidator(_current)]
"""The current version; files of older ones are upgraded before they are validated."""
