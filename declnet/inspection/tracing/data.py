"""A trace as plain values, for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from declnet import Array, Component
from declnet.inspection.tracing.differences import Differences
from declnet.inspection.tracing.equations import equations, gradient_equations
from declnet.inspection.tracing.trace import (
    Trace,
    TracedLayer,
    TracedLoss,
    TracedParameter,
    suspects,
)


def as_data(trace: Trace, layers: Sequence[str] = ()) -> dict[str, Any]:
    """Return a trace as plain values, with complete arrays as lists; of some layers if named."""
    shown = [layer for layer in trace.layers if not layers or layer.name in layers]
    inputs = {name: _plain(x) for name, x in trace.x.items()}
    data = {
        "name": trace.spec.name,
        "origin": trace.origin,
        "step": trace.step,
        "steps": trace.steps,
        "epoch": trace.epoch,
        "batch": trace.batch,
        "positions": trace.positions.tolist(),
        "batch_size": trace.batch_size,
        "dtype": trace.dtype,
        "input": inputs[""] if inputs.keys() == {""} else inputs,
        "layers": [_layer(layer) for layer in shown],
        "loss": {
            **_losses(trace),
            "sample_weights": _plain(trace.weights),
            "data_loss": trace.data_loss,
            "penalty": trace.penalty,
            "loss": trace.loss,
        },
        "optimizer": {**_component(trace.spec.optimizer), "learning_rate": trace.rate},
    }
    if trace.checks:
        data["verification"] = {
            "compared": sum(check.compared for check in trace.checks),
            "largest_error": max(check.error for check in trace.checks),
            "wrong": [check.name for check in trace.checks if not check.passed],
            "suspects": list(suspects(trace)),
        }
    return data


def _losses(trace: Trace) -> dict[str, Any]:
    """Return the only loss with its arrays, or several by name."""

    def arrays(traced: TracedLoss) -> dict[str, Any]:
        declared = _component(traced.loss)
        return {**declared, "y_true": _plain(traced.y_true), "losses": _plain(traced.losses)}

    if not trace.losses[0].name:
        return arrays(trace.losses[0])
    return {
        "losses": {
            loss.name: {
                **arrays(loss),
                "output": loss.output,
                "weight": loss.weight,
                "mean": loss.mean,
            }
            for loss in trace.losses
        }
    }


def _component(component: Component) -> dict[str, Any]:
    return {
        "type": component.type,
        "equations": list(equations(component)),
        "gradient_equations": list(gradient_equations(component)),
    }


def _layer(layer: TracedLayer) -> dict[str, Any]:
    return {
        "name": layer.name,
        **_component(layer.layer),
        "inputs": list(layer.inputs),
        "x": [_plain(x) for x in layer.x],
        "y": _plain(layer.y),
        "dy": _plain(layer.dy),
        **_differences(layer.check),
        "parameters": {parameter.name: _parameter(parameter) for parameter in layer.parameters},
    }


def _parameter(parameter: TracedParameter) -> dict[str, Any]:
    state = parameter.state.items()
    return {
        "before": _plain(parameter.before),
        "gradient": _plain(parameter.gradient),
        "clipped_gradient": _plain(parameter.clipped),
        "penalty": parameter.penalty,
        "penalty_gradient": _plain(parameter.penalty_gradient),
        "state_before": {name: _plain(before) for name, (before, _) in state},
        "state_after": {name: _plain(after) for name, (_, after) in state},
        "after": _plain(parameter.after),
        **_differences(parameter.check),
    }


def _differences(check: Differences | None) -> dict[str, Any]:
    if check is None:
        return {}
    return {
        "central_differences": {
            "values": _plain(check.numeric),
            "compared": check.compared,
            "kinks": check.kinks,
            "clipped": check.clipped,
            "largest_error": check.error,
        }
    }


def _plain(array: Array | None) -> Any:
    """Return an array as nested lists; None for numbers that are not finite."""
    if array is None:
        return None
    plain = array.astype(object)
    if array.dtype.kind == "f":
        plain[~np.isfinite(array)] = None
    return plain.tolist()
