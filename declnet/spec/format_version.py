"""The version of the format that a spec is written in."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError


def _version_1(version: int) -> int:
    if version != 1:
        raise PydanticCustomError("version", "must be 1, the version that this declnet reads")
    return version


FormatVersion = Annotated[int, AfterValidator(_version_1)]
"""The integer 1."""
