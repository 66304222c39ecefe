"""The tables of a spec file that a `RunSpec` does not have, since they stand for other values."""

from __future__ import annotations

from pydantic import BaseModel

from declnet.spec.document.blocks import Block
from declnet.spec.tuning import TuneSpec


def file_tables() -> dict[str, type[BaseModel]]:
    """Return the models of `[tune]` and of a block of layers, as `tune` and `block`."""
    return {"tune": TuneSpec, "block": Block}
