"""One kernel with its arrays, beside the components that it replaces."""

from __future__ import annotations

from declnet.testing.benches.kernels.comparison import Comparison
from declnet.testing.benches.kernels.fusion import of_fusion
from declnet.testing.benches.kernels.layers import of_layers
from declnet.testing.benches.kernels.optimizer import of_optimizer
from declnet.testing.benches.kernels.regularizer import of_regularizer
from declnet.testing.failures import CheckSkipped
from declnet.testing.subjects import Subject

_BY_KIND = {
    "layer": of_layers,
    "fusion": of_fusion,
    "optimizer": of_optimizer,
    "regularizer": of_regularizer,
}


def comparisons(subject: Subject, special: float | None = None) -> list[Comparison]:
    """The kernel and its components side by side; settings that the kernel leaves out are not in.

    Args:
        subject: a kernel.
        special: what the first number of the input is, e.g. NaN; default: one like the others.

    Raises:
        CheckSkipped: the kernel cannot be used on this machine.
    """
    reason = subject.instance.unavailable()
    if reason is not None:
        raise CheckSkipped(reason)
    found = subject.once(
        f"comparisons {special}",
        lambda: list(_BY_KIND[subject.instance.replaces](subject, special)),
    )
    return [each for each in found if each is not None]
