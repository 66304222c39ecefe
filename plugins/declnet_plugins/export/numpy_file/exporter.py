"""The exporter of Python files that need NumPy alone."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from pprint import pformat
from typing import Any

from declnet import Array, OutputError, error_summary
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
from declnet_plugins.export.numpy_file import running
from declnet_plugins.export.numpy_file.writer import WIDTH, NumpyWriter

_DOCUMENTATION = '''"""Predictions of a model trained by declnet, see METADATA; needs NumPy alone.

From Python: predict(rows), where rows is a dict of COLUMNS, or a data frame; missing values are
None, NaN or a text of MISSING; spaces around text are ignored. Cells may be text everywhere.
A row that cannot be predicted is not "valid"; its predictions are None or NaN.
From a shell: python FILE rows.csv > predictions.csv

{text}
"""'''

_MAIN = """
if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: python {{sys.argv[0]}} ROWS.csv")
    {print_csv}(predict({read_csv}(sys.argv[1], COLUMNS)), CLASSES)
"""


class NumpyFile(Exporter):
    """A Python file with a function `predict(rows)` that needs NumPy alone.

    The file holds the whole path from raw columns to predictions as readable functions, and the
    weights as text. It computes in the model's type, like declnet, so predictions are the same up
    to the order of sums. `python FILE rows.csv` prints predictions for a table.
    """

    type = "numpy"
    suffixes = (".py",)

    def export(self, model: ExportedModel, path: Path) -> ExportSummary:
        """Write the file."""
        writer = NumpyWriter(model.dtype.name)
        if len(model.columns) == 1 and model.columns[0].shape:
            name = model.columns[0].name
            writer.lines.append(f'rows = rows if hasattr(rows, "keys") else {{{name!r}: rows}}')
        parts = translate_model(model, self.type, writer)
        is_table = all(column.shape == () and column.window is None for column in model.columns)
        main = _main(writer) if is_table else ""
        path.write_text(_text(model, writer, main), "utf-8")
        notes = () if is_table else ("its samples are arrays, so it does not read CSV files",)
        return ExportSummary(parts, notes)

    def interface(self, path: Path) -> ExportedInterface:
        """Return what the constants of the file say, which is not run."""
        try:
            constants = _literals(path.read_text("utf-8"))
            columns, outputs = constants["COLUMNS"], constants["OUTPUTS"]
            shapes, classes = constants.get("SHAPES", {}), constants["CLASSES"]
            return ExportedInterface(
                tuple(
                    ExportedColumn(name, kind, tuple(shapes.get(name, ())))
                    for name, kind in columns.items()
                ),
                tuple(
                    ExportedOutput(
                        name, tuple(shape), task, tuple(classes[name]) or None, scores=bool(scores)
                    )
                    for name, (task, shape, *scores) in outputs.items()
                ),
            )
        except (OSError, SyntaxError, LookupError, TypeError, ValueError, AttributeError) as error:
            message = f"{path}: not a file that this format has written: {error_summary(error)}"
            raise OutputError(message) from None

    def predictor(self, path: Path) -> FilePredictor:
        """Run the file in this process."""
        namespace: dict[str, Any] = {"__name__": __name__}  # dataclasses look their module up
        code = compile(path.read_text("utf-8"), str(path), "exec")
        exec(code, namespace)  # noqa: S102  # the file that `export` has just written
        predict, scores = namespace["predict"], namespace["OUTPUTS"]

        def run(rows: Mapping[str, Array]) -> dict[str, ExportedPredictions]:
            predicted = predict(rows)
            named = predicted if "" not in scores else {"": predicted}
            return {name: _read(named[name], *scores[name]) for name in scores}

        return run


def _literals(text: str) -> dict[str, Any]:
    """Return the constants of a file that are literals, by name."""
    literals = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with suppress(ValueError):
                literals[node.targets[0].id] = ast.literal_eval(node.value)
    return literals


def _read(
    predicted: Mapping[str, Array], sort: str, shape: tuple[int, ...], *_scores: str
) -> ExportedPredictions:
    outputs = predicted.get("probabilities", predicted.get("scores", predicted["prediction"]))
    if sort == "binary" and "probabilities" in predicted:
        outputs = outputs[:, 1]
    others = (predicted.get(name) for name in ("lower", "upper", "sets", "valid"))
    return ExportedPredictions(predicted["prediction"], outputs.reshape(-1, *shape), *others)


def _main(writer: NumpyWriter) -> str:
    writer.sources.imports.add("import sys")
    used = (running.read_csv, running.print_csv)
    names = {function.__name__: writer.sources.add(function) for function in used}
    return _MAIN.format(**names)


def _text(model: ExportedModel, writer: NumpyWriter, main: str) -> str:
    body, data = writer.body(), writer.data()
    definitions = "\n\n\n".join(writer.sources.definitions())
    columns = {column.name: column.type for column in model.columns}
    names = {output.name: list(output.class_names or ()) for output in model.outputs}
    sorts = {
        output.name: (output.task, output.shape, *(("scores",) if output.scores else ()))
        for output in model.outputs
    }
    imports = sorted(writer.sources.imports - {"import numpy as np"})
    sections = [
        _documentation(model),
        "from __future__ import annotations",
        "\n".join(imports),
        "import numpy as np",
        "Array = np.ndarray",
        "\n".join(_assigned(key, value) for key, value in _constants(model, columns, names, sorts)),
        f'\n@np.errstate(all="ignore")\ndef predict(rows):\n    {_SUMMARY}\n{body}\n',
        f"{definitions}\n",
        data,
        main,
    ]
    return "\n\n".join(section for section in sections if section).rstrip() + "\n"


_SUMMARY = '"""Return the predictions for rows, a dict of columns or a data frame."""'


def _assigned(name: str, value: Any) -> str:
    line = f"{name} = {value!r}"
    if len(line) <= WIDTH:
        return line
    return f"{name} = {pformat(value, width=WIDTH, sort_dicts=False)}"


def _constants(model: ExportedModel, *values: Any) -> list[tuple[str, Any]]:
    names = ("COLUMNS", "CLASSES", "OUTPUTS")
    constants = [("METADATA", dict(model.metadata)), *zip(names, values, strict=True)]
    missing = next((column.missing for column in model.columns), ())
    shapes = {
        column.name: column.shape if column.window is None else (column.window,)
        for column in model.columns
        if column.shape or column.window is not None
    }
    more = {"MISSING": missing, "SHAPES": shapes}
    return [*constants, *((name, value) for name, value in more.items() if value)]


def _documentation(model: ExportedModel) -> str:
    """Return the docstring of the file, which refers to names by the constants that have them."""
    lines = []
    for number, column in enumerate(model.columns):
        size = f"{column.window} consecutive rows a sample" if column.window else ""
        shape = f"samples of shape {column.shape}" if column.shape else ""
        if size or shape:
            lines.append(f"Column {number + 1}: {', '.join(filter(None, (size, shape)))}.")
    for number, output in enumerate(model.outputs):
        keys = ["prediction"]
        if output.task != "values":
            keys.append("scores" if output.scores else "probabilities")
        keys += ["lower", "upper"] if output.intervals else ["sets"] if output.sets else []
        keys.append("valid")
        subject = f"Output {number + 1} of OUTPUTS" if output.name else "The result"
        classes = " of CLASSES" if output.class_names else ""
        lines.append(f"{subject} is a dict of arrays: {', '.join(keys)}{classes}.")
    return _DOCUMENTATION.format(text="\n".join(lines))
