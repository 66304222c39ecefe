"""What an exporter gives to `translate_model`: how its format writes what is between components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from declnet import Component, Shape
from declnet_plugins.exchange.exported_model import ExportedColumn, ExportedInput, ExportedOutput
from declnet_plugins.exchange.translation import TranslationSite
from declnet_plugins.recording import SampleProgram


@dataclass(frozen=True, eq=False)
class WrittenOutput:
    """The handles of what is predicted for one output.

    Attributes:
        predictions: (n, *shape) of `ExportedOutput.shape`, in the target's units, calibrated.
        lower: (n, *interval shape), if the output has intervals.
        upper: the same.
        sets: (n, classes), if the output has sets.
    """

    predictions: Any
    lower: Any = None
    upper: Any = None
    sets: Any = None


class FormatWriter(Protocol):
    """A writer for everything between the components; handles are whatever the format uses.

    A `name` is safe in code and comments of any language, as `TranslationSite.name`. Names of
    columns, outputs and classes come from data and may be any text: write them as literals only.
    """

    def column(self, column: ExportedColumn) -> Any:
        """Return the handle of a raw column.

        Of a column with a window it is (n * window,), all rows of all samples; of other columns
        (n, *shape).
        """
        ...

    def joined(self, name: str, joined: ExportedInput, columns: Sequence[Any]) -> Any:
        """Return the handle of an input of the network, in the type that the layers take.

        Args:
            name: unique within the file.
            joined: what to join; with several columns, the numbers of each row side by side.
            columns: the handles of its columns; for lengths and weights, the handles of those.
        """
        ...

    def reshaped(self, name: str, handle: Any, shape: Shape) -> Any:
        """Return the handle of (n, *shape), the same numbers of each sample in the same order."""
        ...

    def program(self, site: TranslationSite, program: SampleProgram) -> tuple[Any, ...]:
        """Return the handles of a recorded program's results; optional.

        It writes components without a translation, and what combines several networks. A writer
        without this method refuses them.

        Args:
            site: the component's place; `site.inputs` are the handles of the program's inputs.
            program: what the component computes for a sample.

        Raises:
            Untranslatable: the format cannot express one of its operations.
        """
        ...

    def output(self, output: ExportedOutput, written: WrittenOutput) -> None:
        """Write the last step, from predictions to classes, and declare the file's outputs."""
        ...


class SourceWriter(FormatWriter, Protocol):
    """A writer of Python code, which a component's own source may be part of."""

    def verify_source(self, component: Component, site: TranslationSite) -> None:
        """Raise Untranslatable if the file cannot have a component's source."""
        ...

    def source(self, site: TranslationSite, component: Component) -> tuple[Any, ...]:
        """Return the handles of what a component's own method computes.

        It writes components without a translation that cannot be recorded, or only at length, if
        `verify_source` accepts them.
        """
        ...
