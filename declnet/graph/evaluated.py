"""The slot for parameters that are evaluated, saved and exported instead of the trained ones.

An optimizer or a callback fills it: the average of schedule-free methods, or of the parameters
after some updates. The model has them only while it is evaluated, with running statistics of their
own; its arrays stay the same, so compiled graphs read whichever it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np

from declnet.contracts.arrays import Array, read_only
from declnet.graph.parameters import Parameters
from declnet.graph.update import Update

_AS_IT_IS = nullcontext()
"""Leaves the parameters alone, as in most trainings, at no cost that can be measured."""


class EvaluatedParameters:
    """The parameters that a model is evaluated with, in the course of its training.

    Args:
        store: the model's parameters.
        update: its optimizers.
        recompute_statistics: replaces running statistics by those of the current parameters.
        updates: returns the number of updates made.

    Attributes:
        source: takes the trained parameters, flat; returns those of a callback, or None as long as
            the trained ones are evaluated. None if no callback says which are.
        trained: the trained parameters while the model has others; else None.
    """

    def __init__(
        self,
        store: Parameters,
        update: Update,
        recompute_statistics: Callable[[], None],
        updates: Callable[[], int],
    ) -> None:
        self._store, self._update = store, update
        self._recompute_statistics, self._updates = recompute_statistics, updates
        self._by_optimizer = update.has_evaluated
        self.source: Callable[[Array], Array | None] | None = None
        self.trained: dict[str, Array] | None = None
        self._evaluated: dict[str, Array] | None = None

    @property
    def is_used(self) -> bool:
        """Whether other parameters than the trained ones may be evaluated."""
        return self._by_optimizer or self.source is not None

    def forget(self) -> None:
        """Compute the parameters again when they are needed next, since the training goes on."""
        self._evaluated = None

    def in_model(self) -> AbstractContextManager[None]:
        """Return a context in which the model has the evaluated parameters."""
        return _AS_IT_IS if self.trained is not None or not self.is_used else self._entered()

    @contextmanager
    def _entered(self) -> Iterator[None]:
        try:
            self.enter()
            yield
        finally:
            self.leave()

    def enter(self, final: Mapping[str, Array] | None = None) -> None:
        """Give the model the evaluated parameters until `leave` is called.

        Args:
            final: parameters to give it instead.
        """
        if final is None and not self.is_used:
            return
        self.trained = _copies(self._store.arrays)
        if final is None:
            final = self._evaluated
        if final is not None:
            self._store.load(final, "the evaluated parameters")
        elif self._fill():
            self._recompute_statistics()
            self._evaluated = _copies(self._store.arrays)

    def leave(self) -> None:
        """Give the model the trained parameters again if it has others."""
        if self.trained is not None:
            self._store.load(self.trained, "the trained parameters")
            self.trained = None

    def _fill(self) -> bool:
        """Give the model the parameters, without statistics; return whether they are others."""
        if self.source is None:
            self._update.evaluate(max(self._updates(), 1))
            return True
        vector = self.source(read_only(self._store.vector))
        if vector is not None:
            np.copyto(self._store.vector, vector)
        return vector is not None


def _copies(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {key: array.copy() for key, array in arrays.items()}
