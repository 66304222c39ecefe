"""A pipeline's own predictions, to compare declnet's with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from declnet import Array, DataError
from declnet_plugins.exchange import ExportedPredictions, predictions_by_row
from declnet_plugins.onnx.importing.graph import session_of, with_outputs
from declnet_plugins.onnx.importing.pipelines import Pipeline
from declnet_plugins.onnx.importing.structure import first_line


class PipelineSession:
    """The file's own pipeline, as onnxruntime computes it.

    Args:
        model: the whole model.
        pipeline: what was read from it.
    """

    def __init__(self, model: Any, pipeline: Pipeline) -> None:
        self._pipeline, head = pipeline, pipeline.head
        self._names = [head.scores, *([head.label] if head.label else [])]
        self._session = session_of(with_outputs(model, self._names))

    def run(self, columns: Mapping[str, Array]) -> ExportedPredictions:
        """Return the predictions of rows; the numbers of those that are not valid are 0.

        Raises:
            DataError: no row can be predicted.
        """
        count = len(next(iter(columns.values())))
        try:
            predictions = predictions_by_row(lambda rows: self._outputs(columns, rows), count)
        except Exception as error:  # of several types
            raise DataError(f"the file cannot be run: {first_line(error)}") from None
        valid = np.asarray(predictions.valid)
        return replace(predictions, outputs=np.where(valid[:, None], predictions.outputs, 0.0))

    def _outputs(self, columns: Mapping[str, Array], rows: slice) -> tuple[Array, Array]:
        head, count = self._pipeline.head, len(next(iter(columns.values()))[rows])
        feeds = {value.name: value.of(columns, rows, count) for value in self._pipeline.inputs}
        scores, *labels = self._session.run(self._names, feeds)
        scores = np.asarray(scores, float).reshape(count, -1)
        classes = np.array(head.classes, object)[scores.argmax(axis=1)] if head.classes else scores
        outputs = scores[:, 1:] if head.kind == "binary" else scores
        return outputs, np.ravel(labels[0]) if labels else classes
