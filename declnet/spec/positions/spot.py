"""Where a key path stands."""

from __future__ import annotations

from dataclasses import dataclass

from declnet.spec.positions.span import Span


@dataclass(frozen=True)
class Spot:
    """The key that a path ends in, and what it stands for.

    Attributes:
        key: the key as written, with its quotes; None for a list's item and the whole document.
        value: the value. Of a table that a header opens it is the header, e.g. `[training]`;
            of a table that is only part of longer keys it is that part.
    """

    key: Span | None
    value: Span
