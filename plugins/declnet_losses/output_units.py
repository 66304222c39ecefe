"""Whether the numbers that the last layer gives are those that a loss needs, as far as types tell.

A layer of a type that is not named here is trusted.
"""

from collections.abc import Iterator
from math import prod

from declnet import Diagnostic, LayerContext, Loss, RunContext

RANGE_KEEPING = frozenset(
    {
        "average_pool2d",
        "dropout",
        "flatten",
        "global_average_pool2d",
        "linear",
        "max_pool2d",
        "reshape",
    }
)
"""Layers whose numbers lie where those of their input lie."""

AFFINE = frozenset({"batch_norm", "conv2d", "dense", "embedding", "layer_norm"})
"""Layers that give any numbers, for an activation to follow."""

ACTIVATIONS = frozenset(
    {"elu", "gelu", "leaky_relu", "prelu", "relu", "selu", "silu", "softplus", "tanh"}
)
"""Activations that give no probabilities."""

SIGMOIDS = frozenset({"hard_sigmoid", "sigmoid"})
"""Activations that give each unit a probability of its own."""

NEVER_NEGATIVE = SIGMOIDS | {"relu", "softmax", "softplus"}
"""Activations that give no number below 0."""


def output_layer(context: RunContext) -> LayerContext | None:
    """The layer that decides where the output's numbers lie, or None if it is not known."""
    layer = context.last
    while layer is not None and layer.layer.type in RANGE_KEEPING:
        layer = layer.inputs[0]
    return layer


def units_of_output(context: RunContext) -> tuple[LayerContext | None, tuple[str, ...]]:
    """The layer that decides how many units the output has, and its key for that, if any."""
    layer = context.last
    while layer is not None and layer.input_shapes == (layer.output_shape,):
        if layer.inputs[0] is None:
            break
        layer = layer.inputs[0]
    has_key = layer is not None and "units" in type(layer.layer).model_fields
    return layer, ("units",) if has_key else ()


def no_distribution(loss: Loss, context: RunContext) -> Iterator[Diagnostic]:
    """What keeps the units from being one distribution over the classes."""
    last, layer = context.last, output_layer(context)
    if last is not None and prod(last.output_shape) == 1:
        message = f"{loss.type} needs a unit for each class, but the model has a single unit"
        hint = 'for two classes one unit will do with "sigmoid" and the loss binary_crossentropy'
        guilty, key = units_of_output(context)
        yield Diagnostic(message, hint, key, "E043", guilty)
    elif layer is not None and layer.layer.type in SIGMOIDS:
        message = (
            f'"{layer.name}" gives each class a probability of its own, but {loss.type} needs one '
            "distribution over all classes"
        )
        hint = 'use "softmax" in its place, or the loss binary_crossentropy'
        yield Diagnostic(message, hint, code="E043", layer=layer)
    elif last is not None and len(last.output_shape) == 1:
        yield from no_probabilities(loss, context, "softmax")


def no_probabilities(loss: Loss, context: RunContext, activation: str) -> Iterator[Diagnostic]:
    """A last layer that plainly gives other numbers than probabilities.

    Args:
        loss: of the run.
        context: of the run.
        activation: the type of the layer that gives what the loss needs.
    """
    layer = output_layer(context)
    if layer is None:
        return
    message = f'"{layer.name}" gives no probabilities, which {loss.type} needs'
    if layer.layer.type in AFFINE:
        hint = f'add "{activation}" as the last layer'
        yield Diagnostic(message, hint, code="W002", layer=layer)
    elif layer.layer.type in ACTIVATIONS:
        hint = f'use "{activation}" in its place'
        yield Diagnostic(message, hint, code="W002", layer=layer)


def lone_softmax(context: RunContext, hint: str) -> Iterator[Diagnostic]:
    """A softmax of one unit, which learns nothing."""
    layer = output_layer(context)
    if layer is not None and layer.layer.type == "softmax" and layer.output_shape == (1,):
        message = f'"{layer.name}" has one unit, and the softmax of one number is always 1'
        yield Diagnostic(message, hint, code="E043", layer=layer)


def wide_softmax(context: RunContext, message: str, hint: str) -> Iterator[Diagnostic]:
    """A softmax of several units, where they should not depend on each other.

    Args:
        context: of the run.
        message: what is suspicious, to follow the layer's name.
        hint: what to do about it.
    """
    layer = output_layer(context)
    if layer is not None and layer.layer.type == "softmax" and layer.output_shape != (1,):
        yield Diagnostic(f'"{layer.name}" {message}', hint, code="W002", layer=layer)


def no_values(loss: Loss, context: RunContext) -> Iterator[Diagnostic]:
    """A softmax where the output should take any values."""
    yield from lone_softmax(context, "remove it, or put an activation in its place")
    message = f"gives numbers that add up to 1, but {loss.type} is for any values"
    hint = "remove it; or, if y holds classes, use the loss categorical_crossentropy"
    yield from wide_softmax(context, message, hint)


def no_negative_scores(context: RunContext) -> Iterator[Diagnostic]:
    """A last layer whose scores can never say no, which takes a number below 0."""
    layer = output_layer(context)
    if layer is not None and layer.layer.type in NEVER_NEGATIVE:
        message = f'"{layer.name}" never falls below 0, which is what hinge takes for the label 0'
        hint = "remove it: hinge takes the scores of a dense layer"
        yield Diagnostic(message, hint, code="W002", layer=layer)
