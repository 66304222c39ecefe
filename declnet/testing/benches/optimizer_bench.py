"""One optimizer on a vector of parameters, in any division into slices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from declnet.components.arrays import Array
from declnet.components.optimizer import Optimizer
from declnet.components.state import OptimizerState
from declnet.testing.failures import CheckFailed, calling
from declnet.testing.settings import Setting
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial

SIZE = 13
RATE = 0.01


class OptimizerBench:
    """A vector, its gradient and the optimizer's state, as the graph holds them.

    Attributes:
        w: the parameters.
        state: the optimizer's arrays by name, each as long as w.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        w: Array,
        bounds: Sequence[int] = (),
        state: dict[str, Array] | None = None,
    ) -> None:
        self._optimizer = optimizer
        self.w = w.copy()
        with calling("state_names"):
            names = tuple(optimizer.state_names())
        given = state or {name: np.zeros_like(w) for name in names}
        self.state = {name: array.copy() for name, array in given.items()}
        self._dw = np.empty_like(w)
        self._scratch = (np.empty_like(w), np.empty_like(w))
        edges = [0, *bounds, len(w)]
        self._parts = [self._part(slice(start, end)) for start, end in pairwise(edges)]

    def step(self, gradient: Array, rate: float, step: int) -> None:
        """Updates every slice; the gradient's and the scratch arrays are poisoned between steps."""
        self._dw[...] = gradient
        for part, state in self._parts:
            for array in self._scratch:
                array.fill(np.nan)
            handed = dict(vars(state))
            with calling("update"):
                self._optimizer.update(self.w[part], self._dw[part], state, rate, step)
            self._require_declared(handed, dict(vars(state)))
        self._dw.fill(np.nan)

    def run(self, gradients: Array, rate: float = RATE, first_step: int = 1) -> None:
        """A step for each row of gradients."""
        for offset, gradient in enumerate(gradients):
            self.step(gradient, rate, first_step + offset)

    def _part(self, part: slice) -> tuple[slice, OptimizerState]:
        size = part.stop - part.start
        state = OptimizerState((self._scratch[0][:size], self._scratch[1][:size]))
        for name, array in self.state.items():
            setattr(state, name, array[part])
        return part, state

    @staticmethod
    def _require_declared(handed: dict[str, object], found: dict[str, object]) -> None:
        for name, value in found.items():
            if value is not handed.get(name):
                raise CheckFailed(
                    f"update sets state.{name} to another object; name it in state_names() and "
                    "write into the array, e.g. with out="
                )


def gradients(steps: int, seed: int = 0) -> Array:
    """A gradient of `SIZE` numbers for each step."""
    return np.random.default_rng([seed, 17]).normal(size=(steps, SIZE))


def start(seed: int = 0) -> Array:
    """Parameters to start with."""
    return np.random.default_rng([seed, 19]).normal(size=SIZE)


def try_optimizer(subject: Subject, setting: Setting) -> Trial:
    """Runs five steps."""
    bench = OptimizerBench(subject.instance, start().astype(setting.dtype))
    bench.run(gradients(5))
    trial = Trial()
    trial.outputs = {"w": bench.w}
    trial.outputs |= {f"state.{name}": array for name, array in bench.state.items()}
    return trial
