"""How a check ends that does not pass, and how a component's own exceptions become failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

import numpy as np

from declnet.errors import DeclnetError


class CheckFailed(DeclnetError, AssertionError):  # noqa: N818  # how a check ends, as in a report
    """The component does not keep its contract; the message says what is wrong and what to do."""


class CheckSkipped(DeclnetError):  # noqa: N818  # how a check ends, as in a report
    """The check says nothing about this component; the message is the reason."""


class ConformanceError(DeclnetError, AssertionError):
    """A component failed checks, or there was nothing to check; the message lists each fault."""


@contextmanager
def calling(what: str, skips: type[Exception] | tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turns whatever a component raises into a failed check.

    Args:
        what: the call, as the message names it, e.g. `"forward"`.
        skips: exceptions by which the component says that it cannot be checked here.

    Raises:
        CheckFailed: the component raised; the exception is its cause.
        CheckSkipped: it raised one of `skips`.
    """
    try:
        yield
    except (CheckFailed, CheckSkipped):
        raise
    except skips as error:
        raise CheckSkipped(f"{what}: {error}") from error
    except Exception as error:
        raise CheckFailed(f"{what} raised {described(error)}") from error


def require_sizes(shape: object, what: str) -> None:
    """Checks that a shape is a tuple of sizes; raises CheckFailed if it is not."""
    sizes = shape if isinstance(shape, tuple) else (None,)
    if not all(isinstance(size, int | np.integer) and size >= 1 for size in sizes):
        raise CheckFailed(f"{what} is {shape!r}; it must be a tuple of integers of at least 1")


def described(error: BaseException) -> str:
    """An exception in a line: its class, its message and where it was raised."""
    frames = extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
