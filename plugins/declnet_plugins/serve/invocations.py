"""Bodies of `/invocations`, as MLflow's scoring server and SageMaker's containers take them.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

from declnet_plugins.serve.answers import Call, Protocol
from declnet_plugins.serve.bodies import first_repeated, kind_of, shown
from declnet_plugins.serve.problems import ProblemError
from declnet_plugins.serve.requests import Query

if TYPE_CHECKING:
    from declnet_plugins.serve.models import LoadedModel

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


class Invocations(Protocol):
    """An object with samples in one of four forms, and `params`, the parameters of the query."""

    def call(self, document: Any, model: LoadedModel, query: Query) -> Call:
        """Return what a request asks for; raise ProblemError if it is malformed."""
        if type(document) is not dict:
            raise ProblemError(
                400, f"the body is {kind_of(document)}", f"send an object with one of {_listed()}"
            )
        forms = [name for name in document if name in _FORMS]
        others = [name for name in document if name not in (*_FORMS, "params")]
        if len(forms) != 1 or others:
            keys = ", ".join(map(shown, document)) or "no key"
            raise ProblemError(400, f"the body has {keys}", f"exactly one of {_listed()}")
        (form,) = forms
        value = document[form]
        if form == "dataframe_split":
            value = _columns(value, is_table=model.columns is not None)
        elif form == "dataframe_records" and type(value) is not list:
            raise ProblemError(422, f"dataframe_records is {kind_of(value)}, not a list of rows")
        elif form == "instances" and model.inputs and type(value) is list:
            value = _by_input(value, model.inputs)
        parameters = document.get("params", {})
        if type(parameters) is not dict:
            raise ProblemError(400, f"params is {kind_of(parameters)}, not an object")
        return Call(value, query.with_parameters(parameters.items()))


def _listed() -> str:
    return ", ".join(_FORMS)


def _columns(frame: Any, *, is_table: bool) -> Any:
    """Return the columns of a frame by name; its rows for a model of arrays."""
    if type(frame) is not dict or "data" not in frame or frame.keys() - _SPLIT:
        raise ProblemError(
            422, "dataframe_split is not an object with columns, data and, optionally, index"
        )
    names, rows = frame.get("columns"), frame["data"]
    if not is_table:
        return rows
    if type(names) is not list or not all(type(name) is str for name in names):
        raise ProblemError(422, "dataframe_split has no columns", "a list of the columns' names")
    twice = first_repeated(names)
    if twice is not None:
        raise ProblemError(422, f"the column {shown(twice)} occurs twice", column=twice)
    if type(rows) is not list:
        raise ProblemError(422, f"data is {kind_of(rows)}, not a list of rows")
    for number, row in enumerate(rows, start=1):
        if type(row) is not list:
            raise ProblemError(422, f"row {number} is {kind_of(row)}, not a list", row=number)
        if len(row) != len(names):
            message = f"row {number} has {len(row)} cells, but there are {len(names)} columns"
            raise ProblemError(422, message, row=number)
    cells = map(list, zip(*rows, strict=True)) if rows else repeat([], len(names))
    return dict(zip(names, cells, strict=True))


_SPLIT = {"columns", "data", "index"}


def _by_input(samples: list[Any], inputs: tuple[str, ...]) -> dict[str, list[Any]]:
    """Return the arrays of several inputs, given an object with an item of each for each sample."""
    for number, sample in enumerate(samples, start=1):
        if type(sample) is not dict or sample.keys() != set(inputs):
            message = f"sample {number} is not an object with the inputs {', '.join(inputs)}"
            raise ProblemError(422, message, row=number)
    return {name: [sample[name] for sample in samples] for name in inputs}
