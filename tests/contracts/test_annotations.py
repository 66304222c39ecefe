"""Values returned to any contract, which are accepted or refused with the component's name."""

from __future__ import annotations

import ast
import inspect
import re
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypeAliasType

import declnet
from declnet import (
    Component,
    Dimension,
    KernelCalls,
    Parameter,
    ParameterInfo,
    Registry,
    ResultTable,
    Sequences,
    StudyContext,
    Workspace,
)
from declnet.contracts.annotations import parsed
from declnet.contracts.returned import BrokenContractError, verify
from declnet_plugins.exchange import Exporter, Importer, Translation
from declnet_plugins.new import Template
from declnet_plugins.report import ReportPanel

T = TypeVar("T")
CONTRACTS = sorted(
    {getattr(declnet, name) for name in declnet.__all__ if name[0].isupper()}
    | {Exporter, Importer, Translation, ReportPanel, Template},
    key=str,
)
"""The public classes, of which the contracts are those that set a kind."""

METHODS = [
    (contract, name)
    for contract in CONTRACTS
    if inspect.isclass(contract) and issubclass(contract, Component)
    if "kind" in vars(contract) and contract.is_contract()
    for name, value in {"check": Component.check, **vars(contract)}.items()
    if inspect.isfunction(value) or isinstance(value, classmethod)
    if not name.startswith(("_", "verify_", "model_"))  # pydantic adds some
    if get_type_hints(getattr(value, "__func__", value)).get("return", object) is not type(None)
]

ROWS = np.zeros((3, 2))
SPACE = (
    Dimension("kind", choices=("a", 1)),
    Dimension("size", 1, 4),
    Dimension("share", 0.0, 1.0),
    Dimension("depth", 1.5, 2.5, conditions=(("kind", (1,)),)),
)
ARGUMENTS = {
    "x": ROWS,
    "y": ROWS,
    "w": ROWS,
    "y_pred": ROWS,
    "y_true": ROWS,
    "part_of": np.arange(3),
    "state": {},
    "input_shape": (2,),
    "step": 1,
    "steps": range(3),
    "total": 3,
    "parameter": ParameterInfo("w", (2,)),
    "site": SimpleNamespace(state=object(), results=1),
    "study": StudyContext("s", Path(), SPACE, "loss", "lower"),
    "registry": Registry(),
}


class Opaque:
    """A value of no annotated type, which cannot even be shown."""

    def __repr__(self):
        raise RuntimeError


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.builds(Opaque)
)
ARRAYS = st.builds(
    lambda shape, kind: np.zeros(shape).astype(kind),
    st.sampled_from([(), (0,), (3,), (3, 2), (2, 3)]),
    st.sampled_from(["f8", "f4", "i8", "bool", "U3", "O", "c16"]),
)
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.lists(parts, max_size=3).map(tuple)
        | st.dictionaries(st.one_of(st.text(max_size=3), st.integers()), parts, max_size=3)
    ),
    max_leaves=4,
)


@cache
def odd(contract, name):
    """Return a component that replaces a method, the contract's method, and arguments for it."""
    body = {"__module__": __name__, "type": "odd", name: lambda *_: None}
    method = getattr(contract, name)
    parameters = list(inspect.signature(method).parameters)
    parameters = parameters if inspect.ismethod(method) else parameters[1:]
    arguments = [ARGUMENTS.get(parameter) for parameter in parameters]
    return type("Odd", (contract,), body).model_construct(), method, arguments


def received(contract, name, value):
    """Return what a caller receives from a component whose method returned a value."""
    component, method, arguments = odd(contract, name)
    result = verify(method, component, value, *arguments)
    return list(result) if inspect.isgenerator(result) else result


def of(methods):
    ids = [f"{contract.__name__}.{name}" for contract, name in methods]
    return pytest.mark.parametrize(("contract", "name"), methods, ids=ids)


def is_free(contract, name):
    """Return whether a method may return anything, such as a callback's state."""
    return name in ("start", "restore")


def test_all_contracts_are_tried():
    kinds = {contract.kind for contract, _ in METHODS}
    assert kinds >= set(declnet.discover().kinds()) - {"initializer"}


@of([method for method in METHODS if not is_free(*method)])
def test_a_value_of_another_type_is_refused_by_name(contract, name):
    with pytest.raises(BrokenContractError) as caught:
        received(contract, name, Opaque())
    assert str(caught.value).startswith(f'{contract.kind} "odd": {name}() returned an object of Op')


@given(value=VALUES)
def test_no_value_leads_to_another_error(value):
    for contract, name in METHODS:
        with suppress(BrokenContractError):
            received(contract, name, value)


ARRAY, ONE, NAN = np.zeros(3), np.eye(3, 2) * [0, 1], np.eye(3, 2) * [0, np.nan]
POINT = {"kind": "a", "size": 3, "share": 0.5}
WEIGHT, TABLE = Parameter((2,), "zeros"), ResultTable("t", ("a",), ((1,),))
RESERVED = ("grad", "training", "rng", "_own", "two words", "1st", 3)
MEANINGS = {
    "Layer.parameters": ([{"w": WEIGHT}], [{name: WEIGHT} for name in RESERVED]),
    "Layer.workspace": ([{"w": Workspace((2,))}], [{name: Workspace((2,))} for name in RESERVED]),
    "Layer.integer_limits": ([(), (None,)], [(None, None), (3,)]),
    "Loss.prepare": ([ROWS], [ROWS[1:]]),
    "Loss.predictions": ([ARRAY], [ARRAY[1:]]),
    "Schedule.rate": ([0, 2.5], [-1e-9, np.inf, np.nan]),
    "Optimizer.rates": ([ARRAY], [ARRAY[1:], ARRAY.astype("f4"), ROWS]),
    "Optimizer.state_names": ([(), ("a", "b")], [("a", "a"), ("now",), ("scratch",), ("lambda",)]),
    "Optimizer.state_shapes": ([{"a": (2,)}], [{"parameter": (2,)}, {"now": (2,)}]),
    "Optimizer.workspace_shapes": ([{"a": (2,)}], [{"scratch": (2,)}, {"parameter": (2,)}]),
    "Transform.fit": ([{"a": ROWS}], [{"a": object}, {"a": {3: 1}}]),
    "Transform.apply": ([ROWS, Sequences(ROWS, ARRAY.astype(int))], [ROWS[1:]]),
    "Transform.inverse": ([ARRAY], [ARRAY[1:]]),
    "Kernel.bind": ([None, KernelCalls(update=(print,))], [KernelCalls((print,))]),
    "Calibrator.fit": ([{"a": ROWS, "b": 1, "c": "d"}], [{"a": NAN}, {"a": np.inf}, {"a": {3}}]),
    "Calibrator.apply": ([ROWS], [ROWS[1:], NAN, ROWS.astype(int)]),
    "Calibrator.threshold": ([0.5, ARRAY], [np.nan, NAN]),
    "Calibrator.intervals": ([(ROWS, ROWS), (ROWS, ONE), (ARRAY, ARRAY)],
     [(ONE, ROWS), (ROWS, NAN), (NAN, ROWS), (ROWS, ROWS[1:]), (ROWS, ARRAY)]),
    "Calibrator.sets": ([ROWS > 0], [ROWS, ROWS[1:] > 0, ARRAY > 0]),
    "Calibrator.promised_coverage": ([None, 0.1, 1], [0, 1.01, np.nan]),
    "Searcher.propose": (
     [None, POINT, POINT | {"size": 1}, POINT | {"size": 4}, {**POINT, "kind": 1, "depth": 2.0}],
     [{}, POINT | {"kind": "b"}, POINT | {"kind": True}, POINT | {"kind": 1}, POINT | {"size": 5},
      POINT | {"size": 0}, POINT | {"size": 3.0}, POINT | {"share": "a"}, POINT | {"depth": 2.0},
      POINT | {"share": np.nan}]),
    "Callback.save": ([None, {"a": [1, "b", ROWS]}], [{"a": {1, 2}}]),
    "Analysis.analyze": ([[], [TABLE]], [[TABLE, TABLE], [replace(TABLE, rows=((1, 2),))]]),
}  # fmt: skip
"""Values of the annotated type: those that a contract allows, and those that it does not."""


def test_an_alias_is_resolved():
    """`NDArray` is an alias since NumPy 2.5."""
    numbers = TypeAliasType("numbers", dict[str, T], type_params=(T,))
    assert parsed(numbers[int]).words == parsed(dict[str, int]).words
    assert parsed(TypeAliasType("shape", declnet.Shape)).read((1, np.int64(2))) == (1, 2)
    assert parsed(declnet.Array).kind is np.ndarray


@pytest.mark.parametrize("method", MEANINGS)
def test_a_contract_requires_more_than_types(method):
    contract, name = getattr(declnet, method.partition(".")[0]), method.partition(".")[2]
    allowed, refused = MEANINGS[method]
    for value in allowed:
        received(contract, name, value)
    for value in refused:
        with pytest.raises(BrokenContractError, match=rf'"odd": {name}\(\) returned '):
            received(contract, name, value)


DISTINCT = {
    "with_input_info", "output_shape", "integer_limits", "class_count", "state_names",
    "workspace_shapes", "for_file", "describe", "input_chunks",
    "data_files", "sample_names", "with_types", "with_columns", "with_target", "with_targets",
    "with_detected_format", "without_unlabeled_rows", "column_names", "column_types",
    "read_blocks", "suits", "fitting", "feature_names",
    "monitors", "observer", "least_samples", "threshold", "promised_coverage",
    "unavailable", "check_study", "propose", "notes_for_table", "spec_for_table",
}  # fmt: skip
"""Names that nothing but a contract's method has, so that a call of one is a call of it."""

DIRECT = {
    ("data/columns.py", "suits"),  # the callers suggest transforms that work
    ("training/checks/model.py", "output_shape"),  # the layer may be invalid
    ("data/sources/files.py", "for_file"),  # verified in the next statement
}


def test_no_caller_receives_a_value_unverified():
    core = Path(declnet.__file__).parent
    unverified = set()
    for path in core.rglob("*.py"):
        place = path.relative_to(core).as_posix()
        if place.startswith(("testing/", "contracts/")):
            continue
        text = path.read_text("utf-8")
        if not re.search(rf"\.({'|'.join(DISTINCT)})\(", text):
            continue
        tree = ast.parse(text)
        verified = {
            id(argument)
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "verify"
            for argument in ast.walk(call)
        }
        for call in ast.walk(tree):
            name = getattr(getattr(call, "func", None), "attr", None)
            if name in DISTINCT and id(call) not in verified:
                unverified.add((place, name))
    assert unverified <= DIRECT
