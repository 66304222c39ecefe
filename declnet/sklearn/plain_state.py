"""The state of a fitted estimator in builtin types and arrays, for pickle, joblib and skops."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from declnet import (
    IncrementalTraining,
    RunSpec,
    literal_value,
    parse_spec,
    plain_predictor,
    predictor_of_plain,
)

PARSED = "_spec_was_parsed"
"""The key that says that the parameter `spec` is a `RunSpec`."""


def plain_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return an estimator's attributes, with declnet's types replaced by texts and arrays."""
    plain = dict(state)
    if isinstance(plain.get("spec"), RunSpec):
        plain |= {"spec": _text_of(plain["spec"]), PARSED: True}
    if "predictor_" not in plain:
        return plain
    training, directory = plain["_training"], plain["directory_"]
    return plain | {
        "predictor_": plain_predictor(plain["predictor_"]),
        "spec_": _text_of(plain["spec_"]),
        "_training": None if training is None else training.progress(),
        "directory_": None if directory is None else str(directory),
    }


def restored_state(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that `plain_state` described.

    Raises:
        SpecError: a component is no longer installed.
        DataError: it was written by a version that cannot be read.
    """
    state = dict(plain)
    if state.pop(PARSED, False):
        state["spec"] = parse_spec(json.loads(state["spec"]))
    if "predictor_" not in state:
        return state
    state["predictor_"] = predictor = predictor_of_plain(state["predictor_"])
    state["spec_"] = spec = parse_spec(json.loads(state["spec_"]))
    if state["_training"] is not None:
        training = IncrementalTraining(spec, predictor=predictor)
        training.resume(state["_training"])
        state["_training"] = training
    if state["directory_"] is not None:
        state["directory_"] = Path(state["directory_"])
    return state


def _text_of(spec: RunSpec) -> str:
    return json.dumps(literal_value(spec.model_dump(mode="json", exclude_none=True)))
