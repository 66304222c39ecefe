"""What a layer promises about shapes, parameters and workspace before anything is computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.components.initializer import Initializer
from declnet.components.layer import Layer
from declnet.components.parameter import Parameter, Workspace
from declnet.components.regularizer import Regularizer
from declnet.components.state import RESERVED
from declnet.graph.parameters import fans
from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.benches.layer_shapes import (
    accepted_shapes,
    candidate_shapes,
    refusal,
    unworkable,
    working_shapes,
)
from declnet.testing.benches.layer_values import data_for
from declnet.testing.check import check
from declnet.testing.failures import CheckFailed, CheckSkipped, calling, require_sizes
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject


@check
def takes_the_shapes_it_accepts(subject: Subject) -> None:
    """Refuses in `output_shape` what it cannot take, and takes the rest."""
    layer: Layer = subject.instance
    accepted = accepted_shapes(layer)
    if layer.example_shapes and len(accepted) < len(layer.example_shapes):
        refused = next(shape for shape in layer.example_shapes if shape not in accepted)
        raise CheckFailed(f"it refuses {refused} of its example_shapes: {refusal(layer, refused)}")
    if not accepted:
        tried = ", ".join(str(shape) for shape in candidate_shapes(layer))
        raise CheckFailed(f"it refuses all usual input shapes ({tried}); declare example_shapes")
    for shape in accepted:
        fault = unworkable(subject, shape)
        if fault is None:
            continue
        if shape in working_shapes(subject):
            raise CheckFailed(
                f"it accepts input shape {shape}, but {fault}; raise a ValueError in output_shape "
                "for shapes that the layer cannot take"
            )
        raise CheckSkipped(
            f"it inherits output_shape, which accepts input shape {shape}, but {fault}; a model "
            "with such an input fails in training: better raise a ValueError in output_shape"
        )


@check
def infers_its_output_shape(subject: Subject) -> None:
    """Fills a `y` of the shape that `output_shape` gives, which is made of sizes of at least 1."""
    for shape in working_shapes(subject):
        bench = LayerBench(subject, shape, USUAL.but(capacity=10))
        bench.place(data_for(subject, bench))
        try:
            bench.forward()
        except CheckFailed as failure:
            raise CheckFailed(
                f"forward cannot fill a y of samples of shape {bench.output}, which output_shape "
                f"gives for {shape}: {failure}"
            ) from failure.__cause__


@check
def declares_its_parameters(subject: Subject) -> None:
    """Declares parameters with names, shapes and initializers that a graph can use."""
    for shape in working_shapes(subject):
        with calling(f"parameters({shape})"):
            parameters = subject.instance.parameters(shape)
            again = subject.instance.parameters(shape)
        if parameters != again:
            raise CheckFailed("parameters() differs from call to call; build it from the fields")
        for name, parameter in parameters.items():
            _require_name(name, "parameter")
            _require_parameter(subject, name, parameter)


@check
def declares_its_buffers(subject: Subject) -> None:
    """Declares workspace with names, shapes and types that a graph can allocate."""
    for shape in working_shapes(subject):
        with calling(f"workspace({shape})"):
            workspace = subject.instance.workspace(shape)
            parameters = subject.instance.parameters(shape)
        for name, buffer in workspace.items():
            _require_name(name, "buffer")
            if name in parameters:
                raise CheckFailed(f"{name} is both a parameter and a buffer; rename one")
            if not isinstance(buffer, Workspace):
                raise CheckFailed(
                    f"the buffer {name} is a {type(buffer).__name__}, not a Workspace"
                )
            require_sizes(buffer.shape, f"the shape of the buffer {name}")
            with calling(f"the dtype of the buffer {name}"):
                np.dtype(buffer.dtype or "float64")


CHECKS = (
    takes_the_shapes_it_accepts,
    infers_its_output_shape,
    declares_its_parameters,
    declares_its_buffers,
)


def _require_parameter(subject: Subject, name: str, parameter: Any) -> None:
    if not isinstance(parameter, Parameter):
        raise CheckFailed(f"the parameter {name} is a {type(parameter).__name__}, not a Parameter")
    require_sizes(parameter.shape, f"the shape of the parameter {name}")
    with calling(f"the initializer of the parameter {name}"):
        Initializer.from_declaration(parameter.initializer, {"registry": subject.registry})
    if parameter.regularizer is not None:
        if not isinstance(parameter.regularizer, Regularizer):
            raise CheckFailed(f"the regularizer of {name} is no Regularizer; hand the field over")
        if not parameter.trainable:
            raise CheckFailed(f"{name} is not trainable, so it takes no regularizer")
    if min(fans(parameter)) < 1:
        raise CheckFailed(f"fan_in and fan_out of {name} must be at least 1")


def _require_name(name: Any, what: str) -> None:
    if not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
        reserved = ", ".join(sorted(RESERVED))
        raise CheckFailed(f"{name!r} cannot be a {what}'s name: use an identifier, not {reserved}")
