"""What a fusion promises: it does what layer and loss do, one after the other."""

from __future__ import annotations

from declnet.testing.benches.fusion_bench import FusionBench, data_for, shapes_of
from declnet.testing.benches.loss_data import SAMPLES
from declnet.testing.check import check
from declnet.testing.comparison import difference
from declnet.testing.failures import CheckFailed
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject

TOLERANCE = 1e-6
"""A fusion is a better form, so it may round less."""


@check
def forward_equals_layer_and_loss(subject: Subject) -> None:
    """Fills `y` and `losses` as layer and loss do."""
    _compare(subject, ("y", "losses"))


@check
def backward_equals_layer_and_loss(subject: Subject) -> None:
    """Fills `dx` as the backward passes of loss and layer do."""
    _compare(subject, ("dx",))


CHECKS = (forward_equals_layer_and_loss, backward_equals_layer_and_loss)


def _compare(subject: Subject, names: tuple[str, ...]) -> None:
    for shape in shapes_of(subject):
        bench = FusionBench(subject, shape, USUAL.but(capacity=SAMPLES))
        for seed in range(3):
            x, y = data_for(subject, shape, seed)
            apart = bench.apart(x, y)
            bench.place(x, y)
            joint = bench.forward()
            if "dx" in names:
                joint |= bench.backward()
            for name in names:
                fault = difference(joint[name], apart[name], TOLERANCE)
                if fault:
                    raise CheckFailed(
                        f"{name} is not what layer and loss give for input shape {shape}: {fault}"
                    )
