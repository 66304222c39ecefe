"""Predictors as texts, numbers and arrays, and back: what any format of files can hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.network.inputs import InputInfo
from declnet.data.preparing import stored_preparation
from declnet.errors import DataError
from declnet.graph.model import build_model
from declnet.registry.registry import Registry
from declnet.runs.inference import calibration
from declnet.runs.inference.member import Member
from declnet.runs.inference.predictor import Predictor
from declnet.spec.model import resolved_document
from declnet.spec.requirements import registry_for
from declnet.spec.validate import parse_spec
from declnet.stored import Stored

_INPUTS = Stored[dict[str, InputInfo]](dict[str, InputInfo])


def plain_predictor(predictor: Predictor) -> dict[str, Any]:
    """Return a predictor as nested dicts and lists of texts, numbers and arrays.

    Args:
        predictor: the predictor, whose components are in the registry of its runs.
    """
    return {
        "members": list(map(_plain_member, predictor.members)),
        "weights": list(predictor.weights),
        "thresholds": [reading.threshold for reading in predictor.readings],
    }


def predictor_of_plain(plain: Mapping[str, Any], registry: Registry | None = None) -> Predictor:
    """Return the predictor that `plain_predictor` described.

    Args:
        plain: what it returned.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        DataError: it is something else, or of a version that cannot be read.
        SpecError: a component is no longer installed.
        WeightsError: the parameters do not match the network.
    """
    try:
        members = [_member(member, registry) for member in plain["members"]]
        predictor = Predictor(members, plain["weights"])
        readings = zip(predictor.readings, plain["thresholds"], strict=True)
        predictor.readings = tuple(
            reading if reading.threshold == threshold else reading.with_threshold(threshold)
            for reading, threshold in readings
        )
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"not a predictor that this version of declnet stored: {error}") from None
    return predictor


def _plain_member(member: Member) -> dict[str, Any]:
    preparation, arrays = stored_preparation.stored(member.preparation)
    fitted = member.calibrations
    return {
        "spec": json.dumps(resolved_document(member.spec)),
        "inputs": _INPUTS.write(dict(member.model.network.inputs)).decode(),
        "parameters": member.model.parameters(),
        "preparation": preparation.decode(),
        "arrays": arrays,
        "calibrations": calibration.stored(fitted).decode() if fitted else "",
    }


def _member(plain: Mapping[str, Any], registry: Registry | None) -> Member:
    spec = parse_spec(json.loads(plain["spec"]), registry)
    registry = registry_for(spec.plugins, registry)
    declared = spec.model.model_copy(update={"initial_weights": None})
    with attributing_errors(registry):
        inputs, parameters = _INPUTS.parse(plain["inputs"].encode()), plain["parameters"]
        model = build_model(
            declared, inputs, spec.seed, registry, spec.optimizer.groups, parameters
        )
        content, arrays = plain["preparation"].encode(), plain["arrays"]
        preparation = stored_preparation.restored(content, arrays, registry)
    member, fitted = Member(model, preparation, spec, registry), plain["calibrations"].encode()
    if not fitted:
        return member
    return member.with_calibrations(
        calibration.restored(fitted, member.heads, member.readings, registry)
    )
