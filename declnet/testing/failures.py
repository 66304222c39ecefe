"""How a check ends that does not pass, and how a component's own exceptions become failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

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


def described(error: BaseException) -> str:
    """An exception in a line: its class, its message and where it was raised."""
    frames = extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
