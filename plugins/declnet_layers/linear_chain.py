"""Layers that follow each other with nothing nonlinear between them."""

from declnet import LayerContext, RunContext

LINEAR = frozenset({"dropout", "flatten", "linear", "reshape"})
"""Layers that pass their input on; dropout does so but in training."""


def start_of_linear_chain(context: RunContext) -> LayerContext | None:
    """The layer whose output reaches the layer in question through linear layers alone.

    None if there is none, or if another layer reads any of them: in a residual block, say, their
    output serves for more than what comes next.
    """
    if context.here is None or not context.layers:
        return None
    chain = context.here.inputs[0]
    while chain is not None and _readers(chain, context) == 1:
        if chain.layer.type not in LINEAR:
            return chain
        chain = chain.inputs[0]
    return None


def _readers(layer: LayerContext, context: RunContext) -> int:
    return sum(each is layer for other in context.layers for each in other.inputs)
