"""The progress of passes over data, reported to a function if the context names one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

Part = TypeVar("Part")


@dataclass(frozen=True)
class PassProgress:
    """The progress of a pass over data.

    Attributes:
        task: the purpose of the pass, e.g. "reading the table".
        samples: the number of samples so far.
        total: the number of all samples; None if unknown.
    """

    task: str
    samples: int
    total: int | None = None


Follower = Callable[[PassProgress | None], None]
"""Called after each part of a pass, and with None at its end."""

_follower: ContextVar[Follower | None] = ContextVar("follower", default=None)


@contextmanager
def following(follower: Follower) -> Iterator[None]:
    """Report the passes of this thread to a function until the context ends."""
    token = _follower.set(follower)
    try:
        yield
    finally:
        _follower.reset(token)


def followed(
    parts: Iterable[Part], task: str, size: Callable[[Part], int], total: int | None = None
) -> Iterator[Part]:
    """Yield the parts of a pass, and report its progress to the function of `following`, if any.

    Args:
        parts: the parts.
        task: what the pass does.
        size: returns the number of samples in a part.
        total: the number of all samples; None if unknown.
    """
    follower = _follower.get()
    if follower is None:
        yield from parts
        return
    samples = 0
    try:
        for part in parts:
            samples += size(part)
            follower(PassProgress(task, samples, total))
            yield part
    finally:
        follower(None)
