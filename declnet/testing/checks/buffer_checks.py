"""What every component promises that fills arrays: it fills all of them, wherever they lie."""

from __future__ import annotations

from declnet.testing.check import check
from declnet.testing.checks.trial_checks import tried
from declnet.testing.comparison import difference, read_before_written, unwritten
from declnet.testing.failures import CheckFailed
from declnet.testing.settings import ORDERS, POISONS, USUAL, Setting
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial


@check
def writes_every_output(subject: Subject) -> None:
    """Fills every element of the arrays that it is to fill, in any memory order."""
    for setting, first, second in _poisoned(subject):
        for name, array in first.outputs.items():
            count = unwritten(array, second.outputs[name], POISONS)
            if count:
                raise CheckFailed(
                    f"{count} of {array.size} elements of {name} are left unwritten "
                    f"({_orders(setting)}); write all of them in place, e.g. with out="
                )


@check
def overwrites_outputs(subject: Subject) -> None:
    """Gives results that do not depend on what output arrays and workspace held before."""
    for setting, first, second in _poisoned(subject):
        for name, array in first.outputs.items():
            count = read_before_written(array, second.outputs[name], POISONS)
            if count:
                raise CheckFailed(
                    f"{count} of {array.size} elements of {name} depend on what that array or a "
                    f"buffer held before ({_orders(setting)}); overwrite, do not add"
                )


@check
def takes_any_memory_order(subject: Subject) -> None:
    """Gives the same results whether arrays are in C order or have the batch axis contiguous."""
    base = tried(subject)
    for input_order, order in ORDERS[1:]:
        setting = USUAL.but(input_order=input_order, order=order)
        other = tried(subject, setting)
        for name, array in base.outputs.items():
            fault = difference(array, other.outputs[name])
            if fault and name not in base.drawn:
                raise CheckFailed(
                    f"{name} depends on memory order ({_orders(setting)} against batch axis "
                    f"contiguous): {fault}; use no reshape, ravel or view that assumes C order"
                )


@check
def takes_a_shorter_batch(subject: Subject) -> None:
    """Gives the same results for a short last batch after a whole one, and the other way round."""
    for samples, before in ((4, 10), (10, 4)):
        alone = tried(subject, USUAL.but(samples=samples, capacity=samples))
        after = tried(subject, USUAL.but(samples=samples, capacity=10, before=before))
        for name, array in after.outputs.items():
            fault = difference(array, alone.outputs[name])
            if fault:
                raise CheckFailed(
                    f"{name} of a batch of {samples} differs after a batch of {before}: {fault}; "
                    "take the number of samples from len(x) at each call"
                )


def _poisoned(subject: Subject) -> list[tuple[Setting, Trial, Trial]]:
    settings = [USUAL.but(input_order=first, order=order) for first, order in ORDERS]
    first, second = POISONS
    return [
        (each, tried(subject, each.but(poison=first)), tried(subject, each.but(poison=second)))
        for each in settings
    ]


def _orders(setting: Setting) -> str:
    if setting.order == "batch_first":
        return "C order"
    return "batch axis contiguous" if setting.input_order == setting.order else "x in C order"


CHECKS = (
    writes_every_output,
    overwrites_outputs,
    takes_any_memory_order,
    takes_a_shorter_batch,
)
