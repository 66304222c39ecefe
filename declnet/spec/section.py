"""Section, the base class of a spec's tables, which check how their keys fit together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

from pydantic import model_validator

from declnet.contracts.strict_model import StrictModel, located_error
from declnet.errors import Diagnostic


class Section(StrictModel):
    """A table of a spec; its `check` is made once all of its values are valid."""

    def check(self) -> Iterable[Diagnostic]:
        """Yield what contradicts itself in the table, with paths relative to the table.

        Only the first is reported, since it may explain the others.
        """
        return ()

    @model_validator(mode="after")
    def _require_consistency(self) -> Self:
        require_none(self.check())
        return self


def require_none(problems: Iterable[Diagnostic]) -> None:
    """Raise the first of several problems as an error located at its key."""
    for problem in problems:
        context = {"code": problem.code, "hint": problem.help}
        raise located_error("contradiction", problem.message, problem.path, None, **context)


def contradiction(message: str, hint: str | None, *path: str | int) -> Diagnostic:
    """Return the error of keys that exclude each other."""
    return Diagnostic(message, hint, path, "E017")


def duplicates(items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Yield each item that is equal to an earlier one, with its position."""
    for position, item in enumerate(items):
        if item in items[:position]:
            yield position, item
