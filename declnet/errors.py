"""The hierarchy of errors; everything that declnet raises on purpose is a `DeclnetError`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import walk_tb
from typing import Any, Literal, NamedTuple, Self

from declnet.display.characters import escaped_line

KeyPath = tuple[str | int, ...]


def dotted(path: KeyPath) -> str:
    """Return a key path in the form used by `--set`, e.g. `model.layers.0.units`."""
    return ".".join(str(part) for part in path)


@dataclass(frozen=True)
class Place:
    """A location in a file or among the overrides on a command line.

    Attributes:
        file: the file as the user named it, or `--set`.
        line: the line of the first character, from 1.
        column: the column of the first character, from 1, counted in characters.
        end_line: the line of the last character.
        end_column: one past the column of the last character.
        text: the whole first line, without its line ending.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """An error in a spec, or something suspicious.

    Attributes:
        message: what is wrong, with the value, on one line without a full stop.
        help: one suggested fix, if known.
        path: keys and list positions that lead to the value, e.g. `("model", "layers", 0)`. In a
            diagnostic from a component's `check`, it is relative to the component's own table, e.g.
            `("units",)`; `()` for the component as a whole.
        code: a code of `declnet explain`, e.g. `E012`; warnings begin with W. The default, E060, is
            the error of a component's own check; W060 is its warning.
        layer: from a component's `check`: the layer (a `LayerContext`) that the diagnostic concerns
            instead of the component itself; `path` is then relative to that layer.
        data: from a component's `check`: the data set that the diagnostic concerns, e.g. `"train"`;
            `path` is then relative to its source, or `()` for the keys that choose the data.
        focus: whether to mark the key or its value.
        place: where the value is written, if it was read from a file or a command line.
        notes: other places that explain it, each with what is there.
    """

    message: str
    help: str | None = None
    path: KeyPath = ()
    code: str = "E060"
    layer: Any = None
    data: str | None = None
    focus: Literal["key", "value"] = "value"
    place: Place | None = None
    notes: tuple[tuple[str, Place], ...] = ()

    def __post_init__(self) -> None:
        """Reduce the texts to one line of limited length."""
        object.__setattr__(self, "message", _readable(self.message))
        if self.help is not None:
            object.__setattr__(self, "help", _readable(self.help))

    @property
    def severity(self) -> Literal["error", "warning"]:
        """`"error"`, or `"warning"` for something valid but suspicious."""
        return "warning" if self.code.startswith("W") else "error"

    def _repr_html_(self) -> str:
        from declnet.display.diagnostics import diagnostics_view

        return diagnostics_view([self])

    def __str__(self) -> str:
        where = escaped_line(str(self.place) if self.place else dotted(self.path))
        hint = f" ({self.help})" if self.help else ""
        return f"{where + ': ' if where else ''}{self.severity}[{self.code}]: {self.message}{hint}"


_PASSWORD = re.compile(
    r"""(?<=://)([^:/@\s"']*:)([^@\s"']+)(?=@)|([?&;][^=&\s"']*(?:passw|pwd)[^=&\s"']*=)([^&;\s"']+)""",
    re.IGNORECASE,
)
"""A password in a URL: between user and host, or as a parameter."""


def without_passwords(text: str) -> str:
    """Return a text with each letter of a password in a URL replaced by an asterisk."""
    return _PASSWORD.sub(
        lambda password: (password[1] or password[3]) + "*" * len(password[2] or password[4]), text
    )


LONGEST = 500
"""Maximum length of a message, in characters."""


def _readable(text: str) -> str:
    """Return a text on one short line, without control characters and passwords in URLs."""
    shown = " ".join(without_passwords(text).split())
    line = "".join(character if character.isprintable() else " " for character in shown)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def error_message(error: BaseException) -> str:
    """Return the message of an exception of foreign code, even if its `__str__` raises."""
    try:
        return str(error)
    except BaseException as failure:  # str() runs that code again
        return f"its message cannot be shown: __str__ raised {type(failure).__name__}"


def error_summary(error: BaseException) -> str:
    """Return the class of an exception with its message."""
    return f"{type(error).__name__}: {error_message(error)}"


def error_place(error: BaseException) -> str | None:
    """Return the file and line where a plugin's own code raised an exception; None if it did not.

    This is the innermost frame of the first package called outside declnet's core; frames inside
    NumPy, for example, are not meant.
    """
    plugin, place = None, None
    for frame, line in walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if plugin is None and package not in _NOT_PLUGINS:
            plugin = package
        if plugin == package:
            place = f"{frame.f_code.co_filename}:{line}"
    return place


_NOT_PLUGINS = ("declnet", "contextlib", "importlib", "numpy", "pydantic")
"""Packages that import components, call their methods, or the objects these return."""


class DeclnetError(Exception):
    """Base class of all declnet errors.

    Attributes:
        exit_code: the exit code of the command line.
        details: what the command line prints below the first argument of the error, a line each.
        reasons: several messages that the command line prints instead of the error, each with what
            to do about it, or None.
    """

    exit_code = 1
    details: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str | None], ...] = ()


class SpecError(DeclnetError):
    """A spec is invalid; `problems` holds every error found, in the order of the spec."""

    exit_code = 2

    def __init__(self, problems: Iterable[Diagnostic]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def _repr_html_(self) -> str:
        from declnet.display.diagnostics import diagnostics_view

        return diagnostics_view(self.problems)

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows of the error when a cell raises it."""
        from declnet.display.diagnostics import traceback_lines

        return traceback_lines(type(self).__name__, self.problems, self.__traceback__)


class SampleName(NamedTuple):
    """What messages call a sample, e.g. `row 7`, and its number, from 1, if that is known."""

    text: str
    number: int | None = None


class DataError(DeclnetError):
    """A data set cannot be read, or does not fit the spec.

    Attributes:
        message: what is wrong.
        hint: a suggested fix, if known.
        path: the key of the spec that it concerns, if known, e.g. `("data", "split")`.
        code: the diagnostic code, if the error concerns a spec.
        row: the number of the row, window or sample that it concerns, from 1, if known.
        column: the name of the column that it concerns, if known.
        fault: what is wrong with a cell or column, without its name.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        path: KeyPath = (),
        code: str = "E031",
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message, self.hint, self.path, self.code = message, hint, path, code
        self.row, self.column = None if row is None else int(row), column  # not NumPy's
        self.fault = message

    @classmethod
    def in_cell(
        cls,
        row: int | None,
        column: str,
        fault: str,
        *,
        hint: str | None = None,
        path: KeyPath = (),
        code: str = "E031",
    ) -> Self:
        """Return an error whose message is `row 3, column "size" <fault>`.

        Args:
            row: its number, from 1; None if the error concerns the whole column.
            fault: what is wrong; it may begin with a colon.
        """
        place = f'column "{column}"' if row is None else f'row {row}, column "{column}"'
        message = place + fault if fault.startswith(":") else f"{place} {fault}"
        error = cls(message, hint=hint, path=path, code=code, row=row, column=column)
        error.fault = fault if row is None else message.replace(place, f"row {row}", 1)
        return error

    def replaced(self, **changes: Any) -> DataError:
        """Return a `DataError` with some other attributes, and the rest of this one's."""
        names = "message", "hint", "path", "code", "row", "column"
        return DataError(**{name: getattr(self, name) for name in names} | changes)

    def at(self, path: KeyPath) -> Self:
        """Return this error, which now concerns another key of the spec."""
        self.path = path
        return self


class ChangedFileError(DataError):
    """A file changed while its data was in use.

    Attributes:
        file: the file, or another source such as a database.
        reading: the purpose, e.g. `"epoch 3"`; None if it is not known.
    """

    def __init__(self, file: str, reading: str | None = None, *, path: KeyPath = ()) -> None:
        self.file, self.reading = file, reading
        when = "while it was read" if reading is None else f"during {reading}"
        hint = "start again when nothing writes to it, or train on a copy"
        super().__init__(f"{file} changed {when}", hint=hint, path=path)

    @classmethod
    @contextmanager
    def during(cls, reading: str) -> Iterator[None]:
        """Add the purpose to errors without one, e.g. `"epoch 3"`."""
        try:
            yield
        except cls as error:
            if error.reading is not None:
                raise
            raise cls(error.file, reading, path=error.path) from None


class RegistryError(DeclnetError):
    """A component cannot be registered: its class breaks the contract or its type is taken.

    Attributes:
        message: what is wrong.
        hint: a suggested fix, if known.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message, self.hint = message, hint


class UnknownTypeError(RegistryError):
    """A type that is not installed for its kind; `hint` names the installed ones.

    `code` is E015, or E016 if a broken plugin has the type, or E009 if several distributions do.
    `meant` is the installed type that was meant, unless that is only a guess.
    """

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        code: str = "E015",
        meant: str | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.code, self.meant = code, meant


class OriginError(RegistryError):
    """A component of a run would now come from another distribution; `hint` suggests a fix."""


class OutputError(DeclnetError):
    """The output folder is not empty, or a folder does not contain a run."""

    exit_code = 2


class ResumeError(DeclnetError):
    """A run cannot be resumed: its inputs have changed, or its checkpoint does not match."""

    exit_code = 2


class ChangedBehaviorError(SpecError):
    """A component computes something else than when a run was trained, or it cannot be compared.

    `problems` has its place in the run's spec.
    """


class WeightsError(DeclnetError):
    """Saved weights that cannot be read or do not fit the model."""

    exit_code = 2


class RunError(DeclnetError):
    """A run started but could not finish."""


class ComponentError(RunError):
    """A component raised an exception; the message names the component and its distribution."""


class DivergenceError(RunError):
    """The loss became NaN or infinite.

    Attributes:
        epoch: the epoch whose forward pass produced that loss, from 0.
        layer: the name of the first layer with a non-finite value, or None if it is the loss.
    """

    def __init__(self, message: str, epoch: int, layer: str | None) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.layer = layer


class DeclnetWarning(UserWarning):
    """A note about a run that is still usable, e.g. that a plugin's version differs."""
