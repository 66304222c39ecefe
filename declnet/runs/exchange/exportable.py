"""The base of trained models that can be exported, from one run or several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from declnet.runs.exchange.exporting import ExportResult
    from declnet.runs.inference.predictor import Predictor
    from declnet.runs.stored_run import StoredRun


class Exportable(ABC):
    """A run whose model is exported, or several runs whose models are averaged in one file."""

    @property
    @abstractmethod
    def runs(self) -> Sequence[StoredRun]:
        """The runs, at least one."""

    @abstractmethod
    def predictor(self) -> Predictor:
        """Return the trained model, or the mean of several."""

    def export(
        self,
        path: str | Path,
        format: str | None = None,  # noqa: A002  # as the option of the command
        options: Mapping[str, Any] | None = None,
        *,
        force: bool = False,
        allow_difference: bool = False,
    ) -> ExportResult:
        """Write the model to a file of another format, from raw columns to predictions.

        The file is compared with declnet on rows of the runs' data, if they are still there.

        Args:
            path: the file to write.
            format: the type of the exporter; default: by the suffix of the file.
            options: the exporter's fields, e.g. `{"opset": 17}`.
            force: whether to replace an existing file.
            allow_difference: whether to keep a file whose predictions differ from declnet's by more
                than rounding to float32 explains.

        Raises:
            ExportError: the model cannot be written in this format, or the file's predictions
                differ.
            DeclnetError: as `predictor` does.
        """
        from declnet.runs.exchange.exporting import export_run

        given = path, format, options
        return export_run(
            self.runs, self.predictor(), *given, force=force, allow_difference=allow_difference
        )
