"""What each code of a problem means, from the file beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType


@dataclass(frozen=True)
class Code:
    """A sort of problem.

    Attributes:
        code: E and three digits for an error, W and three for a warning.
        title: in a few words.
        text: what it means, how it comes about and what to do; one paragraph, `code` in backticks.
        wrong: TOML that has the problem if it is laid over a right spec, or a command line that
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
    """Every code, in order; the file is read at the first call."""
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
