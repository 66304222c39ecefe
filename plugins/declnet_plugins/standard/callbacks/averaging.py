"""Averages of the parameters over the training, which are evaluated, saved and exported."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import Field

from declnet import Array, Callback, Diagnostic, Run, RunContext

UNFORGOTTEN = 0.1
"""The share of the first parameters in a moving average from which it warns."""


@dataclass
class Average:
    """The average of the trained parameters.

    Attributes:
        parameters: the current ones, flat.
        mean: their average; meaningless before the first.
        count: how many have been averaged.
    """

    run: Run
    parameters: Array = field(init=False)
    mean: Array = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.parameters = self.run.model.vector()
        self.mean = self.parameters.copy()
        self._scratch = np.empty_like(self.mean)

    def add(self, share: float) -> None:
        """Move the mean towards the current parameters by a share of the difference."""
        if self.count == 0:
            np.copyto(self.mean, self.parameters)
        else:
            difference = np.subtract(self.parameters, self.mean, out=self._scratch)
            np.multiply(difference, share, out=difference)
            np.add(self.mean, difference, out=self.mean)
        self.count += 1


class AveragingCallback(Callback):
    """A callback that averages parameters; subclasses say which, and how."""

    def start(self, run: Run) -> Average:
        """Return an average of nothing."""
        return Average(run)

    def save(self, state: Average) -> dict[str, Any]:
        """Return the average by parameter."""
        return {"count": state.count, "mean": state.run.model.from_vector(state.mean)}

    def restore(self, run: Run, saved: dict[str, Any]) -> Average:
        """Return the saved average."""
        state = Average(run, saved["count"])
        state.mean[...] = run.model.to_vector(saved["mean"])
        return state

    def evaluated(self, state: Average, w: Array) -> Array | None:
        """Return the mean once there is one."""
        return state.mean if state.count else None


class ExponentialMovingAverage(AveragingCallback):
    """mean += (1 - decay) * (parameters - mean) after every update, from the first one's on.

    The mean is evaluated, saved and exported; training metrics are of the current parameters.
    Running statistics are computed again for it from the training data.

    Equivalent to `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn(decay)`, followed
    by `update_bn`.

    Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992.
    """

    type = "ema"
    examples = ({}, {"decay": 0.99})

    decay: float = Field(
        default=0.999, ge=0, lt=1, description="fraction of the average kept in each update"
    )

    def after_update(self, state: Average, step: int) -> None:
        """Average."""
        state.add(1 - self.decay)

    def training_ended(self, state: Average) -> None:
        """Warn if the mean is still close to the first parameters."""
        if state.count == 0:
            return
        share = self.decay ** (state.count - 1)
        if share > UNFORGOTTEN:
            state.run.warn(
                f"ema: {share:.0%} of the average still comes from the first update; choose a "
                f"decay below {self.decay:g} for {state.count} updates"
            )


class StochasticWeightAveraging(AveragingCallback):
    """The mean of the parameters after each `every`-th epoch, from epoch `from_epoch` on.

    From then on the mean is evaluated, saved and exported; training metrics are of the current
    parameters. Running statistics are computed again for it from the training data. A constant or
    cyclic learning rate lets the epochs differ.

    Equivalent to `torch.optim.swa_utils.AveragedModel`, followed by `update_bn`.

    Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization",
    2018, algorithm 1.
    """

    type = "swa"
    examples = ({"from_epoch": 10}, {"from_epoch": 20, "every": 5})

    from_epoch: int = Field(ge=0, description="the first epoch to average, counted from 0")
    every: int = Field(
        default=1, ge=1, description="number of epochs from one averaged epoch to the next"
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require an epoch that counts; warn of what is neither averaged nor computed again."""
        if context.epochs is not None and self.from_epoch >= context.epochs:
            message = (
                f"averaging starts with epoch {self.from_epoch}, but the last epoch is "
                f"{context.epochs - 1}"
            )
            yield Diagnostic(message, "start earlier, e.g. at 3/4 of the epochs", ("from_epoch",))
        for layer in context.layers:
            if len(layer.input_shapes) != 1:
                continue
            for name, parameter in layer.layer.parameters(layer.input_shapes[0]).items():
                if not (parameter.trainable or parameter.running_statistic):
                    message = (
                        f'"{layer.name}" keeps its last {name}, which may not fit the averaged '
                        "weights"
                    )
                    hint = f"if {name} is a running statistic, its layer can declare it as one"
                    yield Diagnostic(message, hint, ("type",), "W060")

    def epoch_trained(self, state: Average, epoch: int) -> None:
        """Average if the epoch counts."""
        since = epoch - self.from_epoch
        if since >= 0 and since % self.every == 0:
            state.add(1 / (state.count + 1))

    def training_ended(self, state: Average) -> None:
        """Warn if no epoch was averaged."""
        if state.count == 0:
            state.run.warn(
                f"swa: the training ended before epoch {self.from_epoch}, so nothing was averaged; "
                "choose an earlier from_epoch"
            )
