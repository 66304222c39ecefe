"""Standard output and error of a command: control characters escaped, failed writes kept apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from declnet.display.characters import escaped


class EscapedStream:
    """A stream that escapes what it writes; once a write has failed, it drops the rest.

    A run must not end because its output has nowhere to go.

    Attributes:
        failure: the error of the write that failed, if any.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Escape and write a text."""
        return self.write_unescaped(escaped(text))

    def write_unescaped(self, text: str) -> int:
        """Write a text unchanged, except for characters that the encoding lacks."""
        if self.failure is None:
            try:
                self._stream.write(text)
            except UnicodeEncodeError as error:
                known = text.encode(error.encoding, "backslashreplace")
                self._stream.write(known.decode(error.encoding))
            except OSError as error:
                self._fail(error)
        return len(text)

    def write_bytes(self, data: bytes) -> int:
        """Write data unchanged, but escaped on a terminal; if that fails, end the command."""
        from click.exceptions import Exit

        if self.isatty():
            return self.write(data.decode())
        try:
            return self._stream.buffer.write(data)
        except OSError as error:
            self._fail(error)
            raise Exit(1) from None

    def flush(self) -> None:
        """Flush the stream."""
        if self.failure is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.failure = error
        with suppress(OSError):  # the stream has no descriptor
            # Keep what is still buffered from raising at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # click would write to it, unescaped
            raise AttributeError(name)
        return getattr(self._stream, name)


class _View:
    """A stream that writes through one method of an `EscapedStream`."""

    def __init__(self, stream: EscapedStream, method: str) -> None:
        self._stream, self.write = stream, getattr(stream, method)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def painted(stream: TextIO) -> TextIO:
    """Return a stream for text whose parts are escaped before they are painted."""
    if isinstance(stream, EscapedStream):
        return cast("TextIO", _View(stream, "write_unescaped"))
    return stream


def binary_output() -> Any:
    """Return standard output for data, as a file with the method `write`."""
    if isinstance(sys.stdout, EscapedStream):
        return _View(sys.stdout, "write_bytes")
    return sys.stdout.buffer


@contextmanager
def escaped_streams() -> Iterator[EscapedStream]:
    """Replace standard output and error while a command runs; yield the former.

    A closed stream becomes the null device, so that no file of a run takes its descriptor.
    """
    out, err = (
        EscapedStream(each if each is not None else open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        for each in (sys.stdout, sys.stderr)
    )
    with redirect_stdout(cast("TextIO", out)), redirect_stderr(cast("TextIO", err)):
        yield out
