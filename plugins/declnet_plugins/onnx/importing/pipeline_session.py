"""A pipeline's own predictions, to compare declnet's with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from declnet import Array, DataError
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

    def run(self, columns: Mapping[str, Array]) -> tuple[Array, list[Any], Array]:
        """Return the outputs of rows, the classes, and whether each row is predicted.

        Raises:
            DataError: no row can be predicted.
        """
        count = len(next(iter(columns.values())))
        try:
            outputs, classes = self._outputs(columns, slice(None))
            valid = np.ones(count, bool)
        except Exception as whole:  # of several types: a row cannot be predicted
            rows = [self._row(columns, row) for row in range(count)]
            valid = np.array([row is not None for row in rows])
            usual = next((row for row in rows if row is not None), None)
            if usual is None:
                raise DataError(f"the file cannot be run: {first_line(whole)}") from None
            parts = [usual if row is None else row for row in rows]
            outputs = np.concatenate([part for part, _ in parts])
            classes = [label for _, part in parts for label in part]
        valid &= np.isfinite(outputs).all(axis=1)
        return np.where(valid[:, None], outputs, 0.0), classes, valid

    def _row(self, columns: Mapping[str, Array], row: int) -> tuple[Array, list[Any]] | None:
        try:
            return self._outputs(columns, slice(row, row + 1))
        except Exception:  # of several types
            return None

    def _outputs(self, columns: Mapping[str, Array], rows: slice) -> tuple[Array, list[Any]]:
        head, count = self._pipeline.head, len(next(iter(columns.values()))[rows])
        feeds = {value.name: value.of(columns, rows, count) for value in self._pipeline.inputs}
        scores, *labels = self._session.run(self._names, feeds)
        scores = np.asarray(scores, float).reshape(count, -1)
        if labels:
            classes = np.ravel(labels[0]).tolist()
        else:
            named = head.classes or []
            classes = [named[at] for at in scores.argmax(axis=1)] if named else []
        return (scores[:, 1:] if head.kind == "binary" else scores), classes
