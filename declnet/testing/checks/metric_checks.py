"""What a metric promises: the figure of all samples, however they come in batches."""

from __future__ import annotations

from declnet.testing.benches.metric_bench import (
    SAMPLES,
    MetricBench,
    candidates,
    figure,
    taken_by,
)
from declnet.testing.check import check
from declnet.testing.failures import CheckFailed, CheckSkipped
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject

DIVISIONS = ((5, 5), (7, 3), (1, 2, 7), (1,) * SAMPLES)
"""Sizes of batches."""


@check
def takes_usual_data(subject: Subject) -> None:
    """Gives a finite number for at least one usual sort of targets."""
    try:
        taken_by(subject)
    except CheckSkipped:
        tried = ", ".join(data.name for data in candidates())
        faults = []
        for data in candidates():
            try:
                faults.append(f"{data.name}: {figure(subject.instance, data)}")
            except CheckFailed as failure:
                faults.append(f"{data.name}: {failure}")
        raise CheckFailed(
            f"it gives a finite number for none of {tried} ({'; '.join(faults)})"
        ) from None


@check
def batches_equal_the_whole(subject: Subject) -> None:
    """Gives the same figure for any division into batches, whose memory is used again."""
    for data in taken_by(subject):
        whole = figure(subject.instance, data)
        for sizes in DIVISIONS:
            found = figure(subject.instance, data, sizes)
            if not abs(found - whole) <= 1e-9 * max(abs(whole), 1e-3):
                raise CheckFailed(
                    f"for {data.name} it gives {found:.9g} in batches of {sizes}, but {whole:.9g} "
                    "at once; sum over samples and divide in result(), and keep no reference to a "
                    "batch's arrays"
                )


@check
def counts_apart(subject: Subject) -> None:
    """Keeps what it counts in the state that `start` gives, so that two counts do not mix."""
    for data in taken_by(subject):
        alone = figure(subject.instance, data)
        first, second = (
            MetricBench(subject.instance, USUAL.but(capacity=SAMPLES)) for _ in range(2)
        )
        first.update(data, (SAMPLES,))
        second.update(data, (3,))
        found = first.result()
        if found != alone or first.result() != found:
            raise CheckFailed(
                f"for {data.name} it gives {found:.9g} instead of {alone:.9g} if another count is "
                "started in between or the result is asked for twice"
            )


CHECKS = (takes_usual_data, batches_equal_the_whole, counts_apart)
