"""One tree of errors: all that declnet raises on purpose descends from `DeclnetError`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Never

KeyPath = tuple[str | int, ...]


def dotted(path: KeyPath) -> str:
    """Writes a key path as `--set` takes it, e.g. `model.layers.0.units`."""
    return ".".join(str(part) for part in path)


@dataclass(frozen=True)
class Place:
    """Where something stands: in a file, or among the overrides of a command line.

    Attributes:
        file: the file as the user named it, or `--set`.
        line: of its first character, from 1.
        column: of its first character, from 1, counted in characters.
        end_line: of its last character.
        end_column: one past its last character.
        text: the whole first line, without its end.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Renamed:
    """An attribute that an earlier edition had; reading it says which one took its place."""

    def __init__(self, new: str) -> None:
        self._new = new

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> Never:
        raise AttributeError(f"{owner.__name__}.{self._name} was renamed: use {self._new}")


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong with a spec, or suspicious.

    Attributes:
        message: what is wrong, with the value, in one line and without a full stop.
        help: one thing to do about it, if that is known.
        path: keys and list positions that lead to the value, e.g. `("model", "layers", 0)`. In what
            a component's `check` yields, within the component's own table, e.g. `("units",)`; `()`
            for the component as a whole.
        code: of `declnet explain`, e.g. `E012`; a warning's begins with W. The default, E060, is
            the error of a component's own check; W060 is its warning.
        layer: from a component's `check`: the layer that it concerns, a `LayerContext`, rather than
            the component itself; then `path` is one of that layer's.
        data: from a component's `check`: the data set that it concerns, e.g. `"train"`; then `path`
            is one of its source's, or `()` for what decides which data these are.
        focus: whether the key or its value is marked.
        place: where it was written, if it was read from a file or a command line.
    """

    message: str
    help: str | None = None
    path: KeyPath = ()
    code: str = "E060"
    layer: Any = None
    data: str | None = None
    focus: Literal["key", "value"] = "value"
    place: Place | None = None

    if not TYPE_CHECKING:  # type checkers report these names
        hint = Renamed("help")
        key = Renamed("path")

    def __post_init__(self) -> None:
        """Keep to one line that is not too long."""
        object.__setattr__(self, "message", _readable(self.message))
        if self.help is not None:
            object.__setattr__(self, "help", _readable(self.help))

    @property
    def severity(self) -> Literal["error", "warning"]:
        """`"error"`, or `"warning"` for what is legal but suspicious."""
        return "warning" if self.code.startswith("W") else "error"

    def __str__(self) -> str:
        where = str(self.place) if self.place else dotted(self.path)
        hint = f" ({self.help})" if self.help else ""
        return f"{where + ': ' if where else ''}{self.severity}[{self.code}]: {self.message}{hint}"


LONGEST = 500
"""Characters of a message."""


def _readable(text: str) -> str:
    """A text in one line, cut if it is long, without what a terminal would obey."""
    line = "".join(each if each.isprintable() else " " for each in " ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


class DeclnetError(Exception):
    """The root of the tree; `exit_code` is what the command line ends with."""

    exit_code = 1


class SpecError(DeclnetError):
    """A spec is wrong; `problems` holds every fault that was found, in the order of the spec."""

    exit_code = 2

    def __init__(self, problems: Iterable[Diagnostic]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class DataError(DeclnetError):
    """A data set cannot be read, or does not fit the spec.

    Attributes:
        message: what is wrong.
        hint: what to do about it, if that is known.
        path: the key of the spec that it concerns, if that is known, e.g. `("data", "split")`.
        code: which sort of problem it is, if it is one of a spec.
    """

    exit_code = 2

    def __init__(
        self, message: str, *, hint: str | None = None, path: KeyPath = (), code: str = "E031"
    ) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message, self.hint, self.path, self.code = message, hint, path, code


class RegistryError(DeclnetError):
    """A component cannot be registered: its class breaks the contract or its type is taken."""

    exit_code = 2


class UnknownTypeError(RegistryError):
    """No component of that kind and type is installed; `hint` says what is.

    `code` is E015; E016 if a broken plugin has it; E009 if several distributions do.
    """

    def __init__(self, message: str, hint: str | None = None, code: str = "E015") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.hint = hint
        self.code = code


class OriginError(RegistryError):
    """A component of a run would now come from another distribution; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} ({hint})")
        self.message = message
        self.hint = hint


class OutputError(DeclnetError):
    """The folder for a run is not empty, or is no run's folder."""

    exit_code = 2


class ResumeError(DeclnetError):
    """A run cannot be resumed: what it began with has changed, or its checkpoint does not fit."""

    exit_code = 2


class WeightsError(DeclnetError):
    """Saved weights cannot be read, or do not fit the model."""

    exit_code = 2


class RunError(DeclnetError):
    """A run started and could not be finished."""


class ComponentError(RunError):
    """A component raised something; the message names it and its distribution."""


class DivergenceError(RunError):
    """The loss became NaN or infinite.

    Attributes:
        epoch: the epoch whose forward pass gave that loss, from 0.
        layer: the name of the first layer with a non-finite value, or None if it is the loss.
    """

    def __init__(self, message: str, epoch: int, layer: str | None) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.layer = layer


class DeclnetWarning(UserWarning):
    """Something about a run that does not prevent its use, e.g. another version of a plugin."""
