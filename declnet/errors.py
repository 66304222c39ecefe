"""One tree of errors: all that declnet raises on purpose descends from `DeclnetError`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[str | int, ...]


def dotted(path: KeyPath) -> str:
    """Writes a key path as `--set` takes it, e.g. `model.layers.0.units`."""
    return ".".join(str(part) for part in path)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a spec.

    Attributes:
        path: keys and list positions that lead to the fault, e.g. `("model", "layers", 0)`.
        message: what is wrong, in the user's words.
        hint: what to do about it, if that is known.
    """

    path: KeyPath
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        where = f"{dotted(self.path)}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{self.message}{hint}"


class DeclnetError(Exception):
    """The root of the tree; `exit_code` is what the command line ends with."""

    exit_code = 1


class SpecError(DeclnetError):
    """A spec is wrong; `problems` holds every fault that was found, in the spec's order.

    `sections` holds those parts of the spec that are right by themselves (`"model"`, `"data"`, …),
    so that later checks can look at them before anything is reported.
    """

    exit_code = 2

    def __init__(
        self,
        problems: Iterable[Problem],
        source: str | None = None,
        sections: Mapping[str, Any] | None = None,
    ) -> None:
        self.problems = tuple(problems)
        self.source = source
        self.sections = dict(sections or {})
        super().__init__(str(self))

    def __str__(self) -> str:
        count = len(self.problems)
        heading = f"{self.source or 'spec'}: {count} problem{'s' if count != 1 else ''}"
        return "\n".join([heading, *(f"  {problem}" for problem in self.problems)])


class DataError(DeclnetError):
    """A data set cannot be read, or does not fit the spec."""

    exit_code = 2


class RegistryError(DeclnetError):
    """A component cannot be registered: its class breaks the contract or its type is taken."""

    exit_code = 2


class UnknownTypeError(RegistryError):
    """No component of that kind and type is installed; `hint` says what is."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message


class OutputError(DeclnetError):
    """The folder for a run is not empty, or is no run's folder."""

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
