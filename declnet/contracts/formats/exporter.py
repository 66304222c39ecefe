"""Exporter: writes a trained model in a format that other programs can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.formats.exported_model import ExportedModel, ExportedPredictions
from declnet.contracts.verification import verify_suffixes

FilePredictor = Callable[[Mapping[str, Array]], Mapping[str, ExportedPredictions]]
"""Runs an exported file on raw columns (n, …) by name; returns the predictions by output.

Text is as it came, with spaces around it or with a text that means a missing value: what the format
leaves to its caller is done here first.
"""


@dataclass(frozen=True)
class TranslatedPart:
    """A component of the model, and what wrote it.

    Attributes:
        name: where it is in the model, e.g. `layer "dense_1"`, `column "age"`, `loss`, `target` or
            `calibration`.
        kind: the component's kind.
        type: the component's type.
        translation: the type of the translation; empty if the format needs none for it.
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
    conformance_checks = "declnet.testing.checks.exporters"
    required_methods = ("export",)

    suffixes: ClassVar[tuple[str, ...]] = ()
    """Suffixes of its files, in lower case, e.g. `(".onnx",)`: `declnet export` chooses the
    exporter by them."""

    @classmethod
    def verify_contract(cls) -> None:
        """As `Component.verify_contract`; suffixes must be lower case and begin with a dot."""
        super().verify_contract()
        verify_suffixes(cls, cls.suffixes)

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

    def predictor(self, path: Path) -> FilePredictor | None:  # noqa: ARG002
        """Return a function that runs a written file on raw columns; default: None, there is none.

        `declnet export` compares its predictions with declnet's own before it keeps a file, and the
        conformance kit tests translations by it. If the predictions say which rows are `valid`,
        rows that declnet refuses are among those compared.
        """
        return None
