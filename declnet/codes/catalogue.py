"""Explanations of the diagnostic codes, read from `catalogue.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType


@dataclass(frozen=True)
class Code:
    """A diagnostic code and its explanation.

    Attributes:
        code: E and three digits for an error, W and three digits for a warning.
        title: a short summary.
        text: meaning, causes and fix, in one paragraph with `code` in backticks.
        wrong: TOML that has the problem when applied to a valid spec, or a command line that
            begins with `declnet `.
        right: the same without the problem.
    """

    code: str
    title: str
    text: str
    wrong: str
    right: str


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Code]:
    """Return all codes, in order; the file is read on the first call."""
    import tomllib
    from importlib.resources import files

    document = tomllib.loads((files(__package__) / "catalogue.toml").read_text("utf-8"))
    codes = {
        code: Code(
            code,
            title=entry["title"],
            text=" ".join(entry["text"].split()),
            wrong=entry["wrong"].strip("\n"),
            right=entry["right"].strip("\n"),
        )
        for code, entry in document.items()
    }
    return MappingProxyType(codes)
