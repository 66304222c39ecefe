"""A trained model in MLflow's format, with the flavors `declnet` and `python_function`.

The folder has the files of the run, or of all runs whose models are used as one, and nothing
pickled: MLflow imports `declnet_plugins.mlflow`, which opens them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from declnet import (
    Array,
    ColumnType,
    DataError,
    DeclnetError,
    Group,
    Predictor,
    StoredRun,
    __version__,
    date_form,
    is_group,
    open_group,
    open_run,
    prediction_columns,
)

LOADER = "declnet_plugins.mlflow"
"""The module whose `_load_pyfunc` opens a saved model."""

FLAVOR = "declnet"

EXAMPLE = 5
"""Rows of an input example."""

GROUP_FILES = ("group.json", "journal.jsonl", "summary.json")
"""The files of a group besides its runs."""


class PyfuncModel:
    """A predictor as MLflow calls it.

    Attributes:
        predictor: the trained model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def predict(self, model_input: Any) -> Any:
        """Return the columns that `declnet predict` writes, as a data frame.

        Args:
            model_input: a data frame with the columns of the signature; for a model of arrays, an
                array (n, *sample shape), or one for each input by name.

        Raises:
            MlflowException: an error of declnet; MLflow's server shows the message of no other.
        """
        import pandas as pd
        from mlflow.exceptions import MlflowException

        try:
            predictions = self.predictor.predict(model_input, spread=False)
        except DeclnetError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return pd.DataFrame(prediction_columns(predictions))

    def get_raw_model(self) -> Predictor:
        """Return the predictor, to MLflow's `PyFuncModel.get_raw_model`."""
        return self.predictor


def save_model(run: str | Path, path: str | Path, **about: Any) -> Any:
    """Write a run's trained model as a folder that `mlflow.pyfunc.load_model` and others take.

    Args:
        run: the run's folder, or that of runs whose models are used as one.
        path: the folder to write; it must not exist, or be empty.
        about: fields of MLflow's `Model`, e.g. `run_id`.

    Returns:
        MLflow's description of the model, a `mlflow.models.Model`.

    Raises:
        DeclnetError: as `load_predictor` does.
        OSError: the folder cannot be written.
    """
    from mlflow import pyfunc
    from mlflow.models import Model

    opened: StoredRun | Group = (
        open_group(run, notice=_ignore) if is_group(run) else open_run(run, notice=_ignore)
    )
    predictor = opened.predictor()
    example = _example(opened, predictor)
    model = Model(signature=_signature(predictor, example), **about)
    columns = {name: kind or "any" for name, kind in (_columns(predictor) or {}).items()}
    model.add_flavor(FLAVOR, data="data/run", declnet_version=__version__, columns=columns)
    with tempfile.TemporaryDirectory(prefix="declnet-mlflow-") as folder:
        data = Path(folder, "run")
        for name in _files_of(opened):
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(opened.path / name, data / name)
        pyfunc.save_model(
            str(path),
            loader_module=LOADER,
            data_path=str(data),
            mlflow_model=model,
            input_example=_as_input(predictor, example),
            pip_requirements=requirements(opened),
        )
    return model


def _ignore(notice: str) -> None:
    """Ignore warnings of the spec, which the training has shown."""


def requirements(opened: StoredRun | Group) -> list[str]:
    """Return the distributions that a model needs, in their installed versions.

    Classes that were registered by a program come from no distribution.
    """
    names = {"numpy", "pandas"}
    for run in opened.runs:
        for kind, origins in run.manifest.components.items():
            if kind != "kernel":
                names |= {name for name, _, known in map(_split, origins.values()) if known}
    names.discard("declnet")
    return [f"declnet=={__version__}", *(f"{name}=={version(name)}" for name in sorted(names))]


def _split(requirement: str) -> tuple[str, str, str]:
    return requirement.partition("==")


def _files_of(opened: StoredRun | Group) -> Iterator[str]:
    """Yield the files of a run or of a group of runs, relative to its folder."""
    if isinstance(opened, Group):
        yield from (name for name in GROUP_FILES if (opened.path / name).is_file())
    for run in opened.runs:
        folder = run.path.relative_to(opened.path)
        for name in ("manifest.json", *run.manifest.files):
            yield (folder / name).as_posix()


def _example(opened: StoredRun | Group, predictor: Predictor) -> Any:
    """Return synthetic rows that the model predicts; None if there are none."""
    rows = [run.synthetic_rows for run in opened.runs]
    if any(of_run is None for of_run in rows):
        return None
    example = rows[0]
    if predictor.features is not None:
        example = {name: column for of_run in rows for name, column in of_run.items()}
    try:
        predictor.predict(example)
    except DeclnetError:
        return None
    return example


def _columns(predictor: Predictor) -> dict[str, ColumnType | None] | None:
    """Return the types of a table's columns, None for a time of either; None for arrays."""
    if predictor.features is None:
        return None
    types: dict[str, ColumnType | None] = {**predictor.column_types}
    windows = predictor.windows
    if windows is not None and windows.time is not None:
        types.setdefault(windows.time)
    return types


def _takes_missing(predictor: Predictor, example: Mapping[str, Array] | None, name: str) -> bool:
    """Return whether a model predicts a row without a value in a column, or it is unknown."""
    if example is None:
        return True
    column = example[name].astype(float)
    column[0] = np.nan
    try:
        predictor.predict({**example, name: column})
    except DataError:
        return False
    return True


def _signature(predictor: Predictor, example: Any) -> Any:
    """Return the columns or arrays that a model takes, and the columns of its predictions.

    MLflow converts values to the types of its columns before declnet sees them. A column has one
    only if that neither changes nor refuses what the model takes: text, and integers without gaps.
    Any value goes through for

    - numbers, since MLflow takes no integers for `double`, nor gaps for `long`;
    - booleans, since MLflow reads a gap as false and the text "false" as true;
    - dates and times, which are texts in one table and timestamps in another, and whose order of
      day and month MLflow guesses.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    def column(name: str, kind: ColumnType | None) -> Any:
        known = example.get(name) if example is not None else None
        is_date = known is not None and known.dtype.kind == "O" and date_form(known) is not None
        if kind == "text" and not is_date:
            return ColSpec(DataType.string, name)
        if kind == "integer" and not _takes_missing(predictor, example, name):
            return ColSpec(DataType.long, name)
        return ColSpec(AnyType(), name)

    types = _columns(predictor)
    if types is None:
        inputs = Schema(list(_tensors(predictor, example)))
    else:
        inputs = Schema([column(name, kind) for name, kind in types.items()])
    if example is None:
        return ModelSignature(inputs)
    kinds = {
        "f4": DataType.float,
        "f8": DataType.double,
        "i8": DataType.long,
        "b1": DataType.boolean,
    }
    predictions = prediction_columns(predictor.predict(example, spread=False))
    outputs = (
        ColSpec(kinds.get(values.dtype.str[1:], DataType.string), name)
        for name, values in predictions.items()
    )
    return ModelSignature(inputs, Schema(list(outputs)))


def _tensors(predictor: Predictor, example: Any) -> Iterator[Any]:
    """Yield the arrays that a model takes: as in the training data or, if unknown, as prepared."""
    from mlflow.types import TensorSpec

    if example is None:
        inputs = predictor.members[0].model.inputs
        example = {name: np.zeros((1, *info.shape)) for name, info in inputs.items()}
    arrays = example if isinstance(example, Mapping) else {"": example}
    for name, array in arrays.items():
        yield TensorSpec(array.dtype, (-1, *array.shape[1:]), name or None)


def _as_input(predictor: Predictor, example: Any) -> Any:
    """Return some of the synthetic rows as MLflow stores an example; None if there are none."""
    import pandas as pd

    if example is None:
        return None
    if predictor.features is not None:
        frame = pd.DataFrame(example)
        whole = frame.dropna()  # JSON has no NaN
        return frame if predictor.windows is not None or whole.empty else whole.head(EXAMPLE)
    if isinstance(example, Mapping):
        return {name: array[:EXAMPLE] for name, array in example.items()}
    return example[:EXAMPLE]
