"""What a command writes: control characters escaped, failed writes kept apart.

Standard output belongs to the command: its lines, tables and documents go through the functions of
this module. Everybody else, e.g. a layer that prints, finds standard error in its place.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import UnsupportedOperation
from shutil import get_terminal_size
from types import FrameType
from typing import Any, TextIO, cast

from declnet.display.characters import escaped, escaped_line

STDOUT, STDERR = 1, 2


class EscapedStream:
    """A stream that escapes what it writes; once a write has failed, it drops the rest.

    A run must not end because its output cannot be written.

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


_output: EscapedStream | None = None
"""Standard output of the command that this process runs."""


def command_output() -> TextIO:
    """Return the command's standard output; outside a command, the process's."""
    return sys.stdout if _output is None else cast("TextIO", _output)


def print_line(text: object = "", *, err: bool = False, wrap: bool = True) -> None:
    """Print one line, whatever the text contains: line breaks in it are escaped.

    On a terminal, a line that is too wide is wrapped between words; a path without spaces remains
    whole. The lines that follow are indented by two spaces more.

    Args:
        text: the line, or an object whose text it is.
        err: whether to print it on standard error.
        wrap: whether it may be wrapped; False for what is copied, such as a command.
    """
    output = sys.stderr if err else command_output()
    line = escaped_line(str(text))
    if wrap and output.isatty():
        line = _wrapped(line)
    output.write(f"{line}\n")
    output.flush()


def _wrapped(line: str) -> str:
    """Return a line with the line breaks that a terminal needs, if its width is known."""
    from declnet.cli.display.table_layout import wrapped

    width = get_terminal_size((0, 0)).columns
    indent = len(line) - len(line.lstrip()) + 2
    return "\n".join(wrapped(line, width, indent, whole_words=True)) if width > 0 else line


def print_document(text: str) -> None:
    """Print JSON, TOML or another text of several lines, whose values have no line breaks."""
    output = command_output()
    output.write(text)
    output.flush()


def print_json(value: object) -> None:
    """Print a value as an indented JSON document, with null for NaN and infinite numbers."""
    from declnet.runs.storage.writing import json_document

    print_document(json_document(value).decode())


def painted(stream: TextIO) -> TextIO:
    """Return a stream for text whose parts are escaped before they are painted."""
    if isinstance(stream, EscapedStream):
        return cast("TextIO", _View(stream, "write_unescaped"))
    return stream


def binary_output() -> Any:
    """Return the command's standard output for data, as a file with the method `write`."""
    output = command_output()
    return _View(output, "write_bytes") if isinstance(output, EscapedStream) else output.buffer


_CALLERS = ("declnet.cli.main", "declnet.cli.plugin_commands", "declnet.cli.extra_command")
"""The modules that call click and the commands of plugins."""


class _Stdout:
    """`sys.stdout` while a command runs: its output for click and commands of plugins, else stderr.

    What decides is the innermost code of the core among the callers, since between a command and
    each component that it runs there is more of the core.
    """

    def write(self, text: str) -> int:
        """Write a text to one of the two."""
        return _printed_to(sys._getframe(1)).write(text)

    def flush(self) -> None:
        """Flush both."""
        command_output().flush()
        sys.stderr.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(_printed_to(sys._getframe(1)), name)


def _printed_to(frame: FrameType | None) -> TextIO:
    """Return where a caller's `print` goes."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("declnet."):
            return command_output() if module in _CALLERS else sys.stderr
        frame = frame.f_back
    return sys.stderr


@contextmanager
def command_streams() -> Iterator[EscapedStream]:
    """Keep standard output for the command, and escape what is written; yield that output.

    Until this ends, standard output is standard error for everybody else, subprocesses and C
    libraries included. A closed stream becomes the null device, so that no file of a run takes its
    descriptor.
    """
    global _output  # noqa: PLW0603  # a process has one standard output
    stdout, stderr = (
        stream if stream is not None else open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
        for stream in (sys.stdout, sys.stderr)
    )
    with _private(stdout) as private:
        _output = EscapedStream(private)
        try:
            with (
                redirect_stdout(cast("TextIO", _Stdout())),
                redirect_stderr(cast("TextIO", EscapedStream(stderr))),
            ):
                yield _output
        finally:
            _output = None


@contextmanager
def _private(stdout: TextIO) -> Iterator[TextIO]:
    """Yield a stream for what follows the descriptor of standard output, and lead that to stderr.

    A stream without a descriptor, e.g. of a test, is yielded as it is.
    """
    try:
        has_descriptor = stdout.fileno() == STDOUT
    except (UnsupportedOperation, ValueError):
        has_descriptor = False
    if not has_descriptor:
        yield stdout
        return
    with suppress(OSError):
        stdout.flush()
    descriptor = os.dup(STDOUT)
    private = open(  # noqa: SIM115
        descriptor, "w", encoding=stdout.encoding, errors=stdout.errors, closefd=False
    )
    private.reconfigure(
        line_buffering=getattr(stdout, "line_buffering", False),
        write_through=getattr(stdout, "write_through", False),
    )
    _lead_to_stderr()
    try:
        yield private
    finally:
        os.dup2(descriptor, STDOUT)
        atexit.register(_lead_to_stderr)  # functions that components registered run after this one


def _lead_to_stderr() -> None:
    """Lead what is written to the descriptor of standard output to standard error."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
    try:
        os.dup2(STDERR, STDOUT)
    except OSError:  # standard error is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
