"""Layers that follow each other with nothing nonlinear between them."""

from declnet import LayerOutline, Outline

LINEAR = frozenset({"dropout", "flatten", "linear", "reshape"})
"""Layers that pass their input on; dropout does so but in training."""


def start_of_linear_chain(outline: Outline) -> LayerOutline | None:
    """The layer whose output reaches the layer in question through linear layers alone.

    None if there is none, or if another layer reads any of them: in a residual block, say, their
    output serves for more than what comes next.
    """
    if outline.here is None or not outline.layers:
        return None
    chain = outline.here.inputs[0]
    while chain is not None and _readers(chain, outline) == 1:
        if chain.layer.type not in LINEAR:
            return chain
        chain = chain.inputs[0]
    return None


def _readers(layer: LayerOutline, outline: Outline) -> int:
    return sum(each is layer for other in outline.layers for each in other.inputs)
