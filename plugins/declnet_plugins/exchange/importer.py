"""Importer: reads a network that was trained elsewhere as a spec and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from declnet import Array, Component, DeclnetError, InputInfo, RegistryError


class LeftoverError(DeclnetError):
    """A file has parts that no layer corresponds to, so that it cannot be imported.

    Attributes:
        leftovers: the parts, each with the reason if it is known.
    """

    exit_code = 2

    def __init__(self, path: Path, leftovers: tuple[str, ...]) -> None:
        super().__init__(f"{path} has parts that no layer corresponds to")
        self.leftovers = self.details = leftovers

    def __str__(self) -> str:
        return f"{self.args[0]}: {'; '.join(self.leftovers)}"


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """A network that was read from a file.

    Attributes:
        sections: the sections of a spec as in TOML, at least `model`, `loss` or `losses`,
            `optimizer` and `training`; without data and initial weights.
        inputs: what each input holds, by name; `""` for the only one without a name.
        parameters: the arrays of the layers, by `layer.parameter`, all of them.
        mapping: what each layer was in the file, in a few words, by the layer's name.
        left_out: parts that are left out without changing the outputs, e.g. further outputs.
        predict: what the file's own network computes: it takes an array (n, *shape) for each input,
            in the order of `inputs`, and returns one for each output; None if it cannot be run.
    """

    sections: Mapping[str, Any]
    inputs: Mapping[str, InputInfo]
    parameters: Mapping[str, Array]
    mapping: Mapping[str, str]
    left_out: tuple[str, ...] = ()
    predict: Callable[[list[Array]], list[Array]] | None = None


class Importer(Component):
    """A reader of files of one format, for `declnet import`; its fields are options."""

    kind = "importer"
    conformance_checks = "declnet_plugins.exchange.checks.importers"
    required_methods = ("read",)

    suffixes: ClassVar[tuple[str, ...]] = ()
    """The suffixes of the files that it reads, in lower case, e.g. `(".onnx",)`; the longest that
    a file's name ends with decides."""

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also for a class without suffixes."""
        super().verify_contract()
        if not cls.suffixes:
            raise RegistryError(f'{cls.__name__} needs suffixes such as (".net",)')

    @classmethod
    def unavailable(cls) -> str | None:
        """Return why it cannot be used on this machine, and what to do; None if it can."""
        return None

    def read(self, path: Path) -> ImportedNetwork:
        """Return the network of a file.

        Raises:
            LeftoverError: parts of the file correspond to no layer; it lists all of them.
            DataError: the file cannot be read.
        """
        raise NotImplementedError
