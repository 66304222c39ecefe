"""Results that a notebook shows: as tables, charts and text, rendered in one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class Displayed:
    """A base of results that a notebook shows as HTML; a class of a plugin can derive from it."""

    __slots__ = ()

    def displayed(self) -> Iterable[object]:
        """Return the parts, in order: tables with their charts, other results, and texts."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        from declnet.display.html import view

        return view(*self.displayed())


class DisplayedTuple(tuple[T, ...], Displayed):
    """Results that a notebook shows one below the other."""

    __slots__ = ()

    def displayed(self) -> Iterable[object]:
        """See `Displayed.displayed`."""
        return self
