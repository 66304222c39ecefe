"""Options of the training of one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from declnet.contracts.arrays import Array
from declnet.contracts.runs.callback import EpochLogged
from declnet.data.sources.loading import GivenData
from declnet.registry.registry import Registry
from declnet.runs.notices import Notice
from declnet.spec.model import RunSpec
from declnet.training.checks.check import Checked
from declnet.training.trainer import Event

AnyData = GivenData | Mapping[str, GivenData] | None
"""Data that a program passes in place of the spec's: the training data, or several sets by name."""

Listener = Callable[[Event], None]
"""Called with each event of the training."""

Follow = Callable[[RunSpec], AbstractContextManager[Listener | None]]
"""Yields the listener of a run with this spec, in a context around its training."""

StopWhen = Callable[[EpochLogged], str | None]
"""Called after each logged epoch; a reason ends the training, as a callback's `Run.stop` does."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of one run, as `declnet.run` and `declnet.resume` describe them.

    Attributes:
        follow: yields what is called with each event of the training.
        notice: called with each warning of a callback when it occurs.
        stop_when: ends the training early.
        registry: where names are looked up; None for all installed plugins.
        numbered: whether a new run is written to a numbered folder within the one that is named.
        checked: the result of checking the spec of a new run.
        parameters: what a new run starts from, instead of initialized parameters.
        allow_changes: whether to resume a run although something has changed since it began.
        has_card: whether to write a model card, which a run among others need not have.
    """

    follow: Follow = lambda _spec: nullcontext()
    notice: Notice | None = None
    stop_when: StopWhen | None = None
    registry: Registry | None = None
    numbered: bool = False
    checked: Checked | None = None
    parameters: Mapping[str, Array] | None = None
    allow_changes: bool = False
    has_card: bool = True
