"""The exporter of ONNX files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from declnet import SPACES, Array, OutputError, __version__, error_message, error_summary
from declnet_plugins.exchange import (
    ExportedColumn,
    ExportedInterface,
    ExportedModel,
    ExportedOutput,
    ExportedPredictions,
    Exporter,
    ExportSummary,
    FilePredictor,
    translate_model,
)

OLDEST, NEWEST = 17, 21
"""The opsets that can be written: from LayerNormalization on, as far as onnxruntime 1.20 reads."""


class OnnxExporter(Exporter):
    """The whole model in one ONNX file, from raw columns to labels and probabilities.

    Each column is an input, and the preparation is part of the graph: transforms compute in double
    precision, layers in float32. Classes come as `label`, in their own type, and a tensor of
    `probabilities`; values as `prediction`; intervals as `lower` and `upper`, sets as `sets`. The
    names of several losses precede these, and `valid` says which rows declnet can predict.
    `metadata_props` holds the classes, the hash of the spec and the versions.
    """

    type = "onnx"
    suffixes = (".onnx",)
    examples = ({}, {"opset": 17})

    opset: int = Field(
        default=20,
        ge=OLDEST,
        le=NEWEST,
        description="the version of the operators; texts are tokenized from 20 on",
    )

    @classmethod
    def unavailable(cls) -> str | None:
        """Return why ONNX files cannot be written, if so."""
        missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
        if not missing:
            return None
        return f'{" and ".join(missing)} not installed: pip install "declnet[onnx]"'

    def export(self, model: ExportedModel, path: Path) -> ExportSummary:
        """Write the file, and check it by onnx.checker with all shapes inferred."""
        import onnx

        from declnet_plugins.onnx.model_writer import ModelWriter

        writer = ModelWriter(self.opset, model)
        parts = translate_model(model, self.type, writer)
        writer.finish()
        content = writer.model(model.name, writer.metadata(), ("declnet", __version__))
        onnx.save(content, path)
        onnx.checker.check_model(path, full_check=True)
        return ExportSummary(parts, (f"opset {self.opset}, checked by onnx.checker",))

    def interface(self, path: Path) -> ExportedInterface:
        """Return what the metadata of the file says."""
        try:
            return OnnxPredictor(path).interface()
        except (KeyError, ValueError) as error:
            what = f"not a file that this format has written: {error_message(error)}"
            raise OutputError(f"{path}: {what}") from None
        except Exception as error:  # of onnxruntime, which has no common class
            raise OutputError(
                f"{path}: onnxruntime cannot load it: {error_summary(error)}"
            ) from None

    def predictor(self, path: Path) -> FilePredictor:
        """Return a function that runs a file by onnxruntime."""
        return OnnxPredictor(path).predict


class OnnxPredictor:
    """A predictor that runs an exported file on raw columns.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 4
        providers = ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(str(path), settings, providers=providers)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._columns: list[dict[str, Any]] = json.loads(metadata["inputs"])
        self._outputs: list[dict[str, Any]] = json.loads(metadata["outputs"])

    def interface(self) -> ExportedInterface:
        """Return what the file takes and predicts."""
        shapes = {
            input_.name: tuple(size for size in input_.shape[1:] if isinstance(size, int))
            for input_ in self._session.get_inputs()
        }
        return ExportedInterface(
            tuple(
                ExportedColumn(column["name"], column["type"], shapes[column["name"]])
                for column in self._columns
                if column["name"] in shapes
            ),
            tuple(
                ExportedOutput(
                    output["name"],
                    tuple(output["shape"]),
                    output["sort"],
                    tuple(output["classes"]) if "classes" in output else None,
                    scores="scores" in output,
                )
                for output in self._outputs
            ),
        )

    def predict(self, columns: Mapping[str, Array]) -> dict[str, ExportedPredictions]:
        """Return the predictions of each loss for raw columns (n, …)."""
        inputs = {
            input_.name: _as_input(columns[input_.name], input_.type)
            for input_ in self._session.get_inputs()
        }
        names = [output.name for output in self._session.get_outputs()]
        results = dict(zip(names, self._session.run(names, inputs), strict=True))
        return {output["name"]: self._read(output, results) for output in self._outputs}

    def _read(self, output: Mapping[str, Any], results: Mapping[str, Any]) -> ExportedPredictions:
        prediction = results[output.get("label") or output["prediction"]]
        rows = results[output.get("probabilities") or output.get("scores") or output["prediction"]]
        if output["sort"] == "binary" and "probabilities" in output:
            rows = rows[:, 1:]
        others = (results.get(output.get(name, "")) for name in ("lower", "upper", "sets", "valid"))
        outputs = rows.reshape(len(rows), *output["shape"])
        return ExportedPredictions(prediction, outputs, *others)


def _as_input(column: Array, kind: str) -> Array:
    """Return a column in the type of an input.

    Text loses the spaces around it, which the file cannot remove, and a missing one is empty.
    """
    if kind == "tensor(string)":
        texts = [(text or "").strip(SPACES) for text in column.ravel()]
        return np.array(texts, object).reshape(column.shape)
    names = {"float": "float32", "double": "float64"}
    name = kind.removeprefix("tensor(").removesuffix(")")
    return np.asarray(column, names.get(name, name))
