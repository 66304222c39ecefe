"""Exporter: writes a trained model in a format that other programs can run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from declnet import Array, Component, DeclnetError
from declnet_plugins.exchange.exported_model import (
    ExportedInterface,
    ExportedModel,
    ExportedPredictions,
)

FilePredictor = Callable[[Mapping[str, Array]], Mapping[str, ExportedPredictions]]
"""Runs an exported file on raw columns (n, …) by name; returns the predictions by output.

Text is passed unchanged, with surrounding spaces and texts that mean a missing value; the predictor
first does what the format leaves to its caller.
"""


class FormatError(DeclnetError):
    """A file whose format is not known, or whose options are wrong.

    Attributes:
        reasons: every reason, each with what to do about it, or None.
    """

    exit_code = 2

    def __init__(self, reasons: Iterable[tuple[str, str | None]]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(
            "\n".join(f"{message} ({hint})" if hint else message for message, hint in self.reasons)
        )


class ExportError(FormatError):
    """A model that cannot be exported; `reasons` has every reason."""


@dataclass(frozen=True)
class TranslatedPart:
    """A component of the model, and what wrote it.

    Attributes:
        name: where it is in the model, e.g. `layer "dense_1"`, `column "age"`, `loss`, `target` or
            `calibration`.
        kind: the component's kind.
        type: the component's type.
        translation: the type of the translation; `recorded` or `source` without one; empty if the
            format needs none for it.
        origin: the distribution of the translation; empty without one.
    """

    name: str
    kind: str
    type: str
    translation: str = ""
    origin: str = ""


@dataclass(frozen=True)
class ExportSummary:
    """The summary of an export.

    Attributes:
        parts: the model's components in the order of a prediction, as `translate_model` returns.
        notes: what a user should know about the file, a sentence each.
    """

    parts: tuple[TranslatedPart, ...]
    notes: tuple[str, ...] = ()


class Exporter(Component):
    """A file format for trained models; its fields are options, given by `declnet export --set`.

    `export` usually makes a writer and passes it to `translate_model`, which walks through the
    model and calls the translations of this format.
    """

    kind = "exporter"
    conformance_checks = "declnet_plugins.exchange.checks.exporters"
    required_methods = ("export",)

    suffixes: ClassVar[tuple[str, ...]] = ()
    """Suffixes of its files, in lower case, e.g. `(".onnx",)`: `declnet export` chooses the
    exporter by them."""

    @classmethod
    def unavailable(cls) -> str | None:
        """Return why it cannot be used on this machine, and what to do; None if it can."""
        return None

    def export(self, model: ExportedModel, path: Path) -> ExportSummary:
        """Write a model to a new file.

        Args:
            model: the model; its arrays are only read.
            path: the file to write, in a folder of its own: other files beside it, e.g. a header,
                are moved to the user's folder together with it.

        Raises:
            ExportError: the model cannot be written in this format.
        """
        raise NotImplementedError

    def predictor(self, path: Path) -> FilePredictor | None:
        """Return a function that runs a written file on raw columns; default: None, there is none.

        `declnet export` compares its predictions with declnet's own before it keeps a file, and the
        conformance kit tests translations by it. If the predictions say which rows are `valid`,
        rows that declnet refuses are among those compared.
        """
        return None

    def interface(self, path: Path) -> ExportedInterface | None:
        """Return what a written file takes and predicts; default: None, it does not say.

        `declnet diff --data` needs it, and `predictor`, to compare a file with other models. Of a
        column, its name and type matter; of an output, what the columns of its predictions depend
        on.

        Raises:
            DeclnetError: this format has not written the file.
        """
        return None
