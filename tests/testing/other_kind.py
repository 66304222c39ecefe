"""A kind of component defined by a plugin, with its checks."""

from itertools import pairwise

from declnet import Component
from declnet.testing import CheckFailed, Subject, check


class Binning(Component):
    """A division of [0, 1] into intervals."""

    kind = "binning"
    conformance_checks = __name__
    required_methods = ("edges",)

    def edges(self) -> list[float]:
        """Return the lower ends of the intervals."""
        raise NotImplementedError


class Tenths(Binning):
    """Ten intervals of the same length."""

    type = "tenths"

    def edges(self):
        return [i / 10 for i in range(10)]


class Mixed(Binning):
    """Intervals that are out of order."""

    type = "mixed"

    def edges(self):
        return [0.0, 0.9, 0.5]


@check
def increases(subject: Subject) -> None:
    """Starts each interval after the previous one."""
    for low, high in pairwise(subject.instance.edges()):
        if high <= low:
            raise CheckFailed(f"{high} is not above {low}")


CHECKS = (increases,)
