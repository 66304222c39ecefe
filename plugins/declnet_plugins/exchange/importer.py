"""Importer: reads a network that was trained elsewhere as a spec and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from declnet import (
    Array,
    Component,
    DeclnetError,
    InputInfo,
    Member,
    Registry,
    RegistryError,
    Table,
)
from declnet_plugins.exchange.exporter import FilePredictor


class LeftoverError(DeclnetError):
    """A file has parts that no layer corresponds to, so that it cannot be imported.

    Attributes:
        leftovers: the parts, each with the reason if it is known.
    """

    exit_code = 2

    def __init__(self, source: Path | str, leftovers: tuple[str, ...]) -> None:
        super().__init__(f"{source} has parts that no layer corresponds to")
        self.leftovers = self.details = leftovers

    def __str__(self) -> str:
        return f"{self.args[0]}: {'; '.join(self.leftovers)}"


@dataclass(frozen=True, eq=False)
class ImportedTable:
    """The table that a network takes, with a fitted preparation.

    Attributes:
        rows: rows like those of the training data, all of which the network predicts: the columns,
            the target, and its classes in the order of the outputs.
        states: what each transform of `data.prepare` learned, by column.
        odd_rows: rows with a cell each that the training data does not have, which the network may
            refuse.
        predict: the function from raw columns to the original's predictions, for the output `""`,
            and which rows are valid; None if the original cannot be run.
    """

    rows: Table
    states: Sequence[Mapping[str, Mapping[str, Any]]]
    odd_rows: Table | None = None
    predict: FilePredictor | None = None


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """A network that was read from a file, or from an object.

    Attributes:
        sections: the sections of a spec as in TOML, at least `model`, `loss` or `losses`,
            `optimizer` and `training`; of `data` at most `prepare`; without initial weights.
        inputs: what each input holds, by name; `""` for the only one without a name. Of a network
            that takes a table, empty.
        parameters: the arrays of the layers, by `layer.parameter`, all of them.
        mapping: what each layer was in the file, in a few words, by the layer's name.
        left_out: parts that are left out without changing the outputs, e.g. further outputs.
        predict: what the file's own network computes: it takes an array (n, *shape) for each input,
            in the order of `inputs`, and returns one for each output; None if it cannot be run.
        table: the table that it takes; None for arrays.
    """

    sections: Mapping[str, Any]
    inputs: Mapping[str, InputInfo]
    parameters: Mapping[str, Array]
    mapping: Mapping[str, str]
    left_out: tuple[str, ...] = ()
    predict: Callable[[list[Array]], list[Array]] | None = None
    table: ImportedTable | None = None


@dataclass(frozen=True, eq=False)
class ImportSummary:
    """The summary of an import.

    Attributes:
        member: the trained model.
        spec: the spec that was written; None if nothing was.
        weights: the file of its weights; None if nothing was written.
        mapping: what each layer was in the file, by the layer's name.
        prepared: the columns of each transform, after its type, in their order.
        types: the type of each layer.
        left_out: parts of the file that are left out.
        parameters: the number of parameters.
        difference: the largest difference between the predictions of both networks for random
            samples; for rows of a table, as a share of the largest prediction; None if the file's
            own network cannot be run.
        samples: the number of these samples.
        odd_samples: the number of rows with a missing, unknown or extreme cell that both predict
            alike or refuse; 0 for arrays.
    """

    member: Member
    spec: Path | None
    weights: Path | None
    mapping: Mapping[str, str]
    prepared: tuple[tuple[str, str], ...]
    types: Mapping[str, str]
    left_out: tuple[str, ...]
    parameters: int
    difference: float | None
    samples: int
    odd_samples: int


class Importer(Component):
    """A reader of files of one format, for `declnet import`; its fields are options."""

    kind = "importer"
    conformance_checks = "declnet_plugins.exchange.checks.importers"
    required_methods = ("read",)

    suffixes: ClassVar[tuple[str, ...]] = ()
    """The suffixes of the files that it reads, in lower case, e.g. `(".onnx",)`; the longest that
    a file's name ends with decides."""

    reads_objects: ClassVar[bool] = False
    """Whether it reads objects of another library, which a program passes, in place of files."""

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also for a class that reads files, but has no suffixes."""
        super().verify_contract()
        if not cls.suffixes and not cls.reads_objects:
            raise RegistryError(f'{cls.__name__} needs suffixes such as (".net",)')

    @classmethod
    def unavailable(cls) -> str | None:
        """Return why it cannot be used on this machine, and what to do; None if it can."""
        return None

    def read(self, source: Any) -> ImportedNetwork:
        """Return the network of a file.

        Args:
            source: the path of the file; or an object, for an importer of objects.

        Raises:
            LeftoverError: parts of the file correspond to no layer; it lists all of them.
            DataError: the file cannot be read.
        """
        raise NotImplementedError

    def imported(
        self,
        source: Any,
        registry: Registry,
        output: Path | None = None,
        *,
        overwrite: bool = False,
    ) -> ImportSummary:
        """Return the network as a trained model, compared, and write it; see `import_network`."""
        from declnet_plugins.exchange.importing import import_network

        return import_network(self, source, output, registry, overwrite=overwrite)
