"""Schedules: numbers that depend on the step, counted from 1.

Most are learning rates, after which their fields are named, but any other field that takes a
schedule, e.g. a weight decay, can have the same ones.
"""

from math import cos, log2, pi

from pydantic import Field

from declnet import LearningRate, Register, Schedule, hookimpl


class Constant(Schedule):
    """rate = value."""

    type = "constant"
    rate_field = "value"
    examples = ({"value": 0.01},)

    value: float = Field(ge=0, description="the value of every step")

    def rate(self, step: int, total: int) -> float:
        """Return the constant."""
        return self.value


class _Decay(Schedule):
    """A schedule that starts at a given rate."""

    rate_field = "initial_rate"
    other_keys = dict.fromkeys(("initial_lr", "base_lr", "lr", "learning_rate"), "initial_rate")

    initial_rate: float = Field(
        ge=0, description="the value of the first step, e.g. a learning rate"
    )


class InverseTime(_Decay):
    """rate = initial_rate / (1 + decay * (step - 1)), as with an optimizer's decay."""

    type = "inverse_time"
    examples = ({"initial_rate": 0.02, "decay": 1e-3},)

    decay: float = Field(ge=0, description="how fast the rate decreases")

    def rate(self, step: int, total: int) -> float:
        """initial_rate / (1 + decay * (step - 1))."""
        return self.initial_rate / (1 + self.decay * (step - 1))


class Exponential(_Decay):
    """rate = initial_rate * decay_rate ** ((step - 1) / decay_steps).

    With staircase, the exponent is rounded down: the rate drops after each decay_steps steps.
    PyTorch's ExponentialLR has decay_steps = 1; Keras's ExponentialDecay is the same as this.
    """

    type = "exponential"
    examples = (
        {"initial_rate": 0.02, "decay_rate": 0.999},
        {"initial_rate": 0.1, "decay_rate": 0.5, "decay_steps": 1000},
        {"initial_rate": 0.1, "decay_rate": 0.5, "decay_steps": 1000, "staircase": True},
    )
    other_types = ("exponential_lr", "exponential_decay")
    other_keys = {"gamma": "decay_rate"}

    decay_rate: float = Field(gt=0, le=1, description="factor per decay_steps steps")
    decay_steps: int = Field(
        default=1, ge=1, description="steps over which the rate decays by decay_rate"
    )
    staircase: bool = Field(default=False, description="decay only after every decay_steps steps")

    def rate(self, step: int, total: int) -> float:
        """initial_rate * decay_rate ** ((step - 1) / decay_steps)."""
        steps = step - 1
        times = steps // self.decay_steps if self.staircase else steps / self.decay_steps
        return self.initial_rate * self.decay_rate**times


class Step(_Decay):
    """rate = initial_rate * factor ** floor((step - 1) / every).

    As in PyTorch's StepLR, if it is stepped after each update rather than each epoch.
    """

    type = "step"
    examples = (
        {"initial_rate": 0.1, "every": 1000},
        {"initial_rate": 0.02, "factor": 0.5, "every": 200},
    )
    other_types = ("step_lr", "step_decay")
    other_keys = {"gamma": "factor", "step_size": "every"}

    factor: float = Field(default=0.1, gt=0, le=1, description="factor of each drop")
    every: int = Field(ge=1, description="updates between drops")

    def rate(self, step: int, total: int) -> float:
        """initial_rate * factor ** floor((step - 1) / every)."""
        return self.initial_rate * self.factor ** ((step - 1) // self.every)


class _DecayTo(_Decay):
    """A schedule that reaches its final rate after `steps` updates, and stays there."""

    final_rate: float = Field(default=0.0, ge=0, description="the final value")
    steps: int | None = Field(
        default=None,
        ge=1,
        description="updates from the initial to the final rate; default: the whole training",
    )

    def _done(self, step: int, total: int) -> float:
        steps = self.steps or total
        return min(step - 1, steps) / steps


class Polynomial(_DecayTo):
    """rate = final_rate + (initial_rate - final_rate) * (1 - done) ** power.

    done = min(step - 1, steps) / steps. With power 1 the decay is linear. As in Keras's
    PolynomialDecay; PyTorch's PolynomialLR always ends at 0.
    """

    type = "polynomial"
    examples = (
        {"initial_rate": 0.02},
        {"initial_rate": 0.1, "final_rate": 0.001, "steps": 5000, "power": 2.0},
    )

    power: float = Field(default=1.0, gt=0, description="1: linear; larger: decreases earlier")

    def rate(self, step: int, total: int) -> float:
        """final_rate + (initial_rate - final_rate) * (1 - done) ** power."""
        left: float = (1 - self._done(step, total)) ** self.power
        return self.final_rate + (self.initial_rate - self.final_rate) * left


class Cosine(_DecayTo):
    """rate = final_rate + (initial_rate - final_rate) * (1 + cos(pi * done)) / 2, annealed once.

    done = min(step - 1, steps) / steps. PyTorch's CosineAnnealingLR rises again after its steps.
    Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017.
    """

    type = "cosine"
    examples = ({"initial_rate": 0.02}, {"initial_rate": 0.1, "final_rate": 0.001, "steps": 5000})
    other_types = ("cosine_annealing", "cosine_annealing_lr", "cosine_decay", "cosine_lr")
    other_keys = {
        **dict.fromkeys(("eta_min", "min_lr"), "final_rate"),
        **dict.fromkeys(("t_max", "decay_steps"), "steps"),
        "max_lr": "initial_rate",
    }

    def rate(self, step: int, total: int) -> float:
        """final_rate + (initial_rate - final_rate) * (1 + cos(pi * done)) / 2."""
        return _annealed(self.initial_rate, self.final_rate, self._done(step, total))


class FlatCosine(_DecayTo):
    """rate = initial_rate for a share of the steps, then annealed to final_rate by a cosine.

    rate = final_rate + (initial_rate - final_rate) * (1 + cos(pi * t)) / 2 with
    t = max(0, done - flat_share) / (1 - flat_share),  done = min(step - 1, steps) / steps.
    Holzmüller, Grinsztajn and Steinwart, Better by Default, arXiv:2407.04491, 2024, where
    flat_share is 0.5 and RealMLP's dropout and weight decay follow it.
    """

    type = "flat_cosine"
    examples = (
        {"initial_rate": 0.02},
        {"initial_rate": 0.1, "final_rate": 0.001, "steps": 5000, "flat_share": 0.8},
    )

    flat_share: float = Field(
        default=0.5, ge=0, lt=1, description="fraction of the steps with the initial value"
    )

    def rate(self, step: int, total: int) -> float:
        """Return the initial rate, or the annealed one after flat_share of the steps."""
        falling = max(0.0, self._done(step, total) - self.flat_share) / (1 - self.flat_share)
        return _annealed(self.initial_rate, self.final_rate, falling)


class CosLog(Schedule):
    """rate = max_rate * (1 - cos(2 * pi * log2(1 + (2**cycles - 1) * t))) / 2.

    t = (step - 1) / total. Cycles from 0 to max_rate and back, each twice as long as the one
    before; the last one ends with the training. The first update has a rate of 0. RealMLP's
    learning rate, "coslog4": Holzmüller, Grinsztajn and Steinwart, Better by Default,
    arXiv:2407.04491, 2024.
    """

    type = "coslog"
    rate_field = "max_rate"
    examples = ({"max_rate": 0.04}, {"max_rate": 0.1, "cycles": 2})

    max_rate: float = Field(ge=0, description="the value at each peak, e.g. a learning rate")
    cycles: int = Field(default=4, ge=1, le=64, description="number of cycles")

    def rate(self, step: int, total: int) -> float:
        """max_rate * (1 - cos(2 * pi * log2(1 + (2**cycles - 1) * (step - 1) / total))) / 2."""
        t = min(step - 1, total) / total
        return self.max_rate * (1 - cos(2 * pi * log2(1 + (2**self.cycles - 1) * t))) / 2


class OneCycle(Schedule):
    """From max_rate / initial_divisor up to max_rate, down to the initial rate / final_divisor.

    rate = end + (start - end) * (1 + cos(pi * done)) / 2, up and down. The peak is at step
    warmup_share * steps; the lowest rate, from step `steps` (default: the last one) on, stays.
    As in PyTorch's OneCycleLR with cosine annealing (pct_start is warmup_share), but without
    cycling the momentum.
    Smith and Topin, Super-Convergence, arXiv:1708.07120, 2017.
    """

    type = "one_cycle"
    other_types = ("one_cycle_lr",)
    other_keys = {
        "max_lr": "max_rate",
        "lr": "max_rate",
        "learning_rate": "max_rate",
        "total_steps": "steps",
    }
    rate_field = "max_rate"
    examples = (
        {"max_rate": 0.02},
        {"max_rate": 0.1, "steps": 5000, "warmup_share": 0.1, "final_divisor": 100.0},
    )

    max_rate: float = Field(ge=0, description="the value at the peak, e.g. a learning rate")
    steps: int | None = Field(
        default=None, ge=1, description="updates in the whole cycle; default: the whole training"
    )
    warmup_share: float = Field(
        default=0.3, ge=0, lt=1, description="fraction of the steps in which the rate rises"
    )
    initial_divisor: float = Field(
        default=25.0, ge=1, description="max_rate divided by the first rate"
    )
    final_divisor: float = Field(
        default=1e4, ge=1, description="the first rate divided by the last"
    )

    def rate(self, step: int, total: int) -> float:
        """Return the rate between initial rate and max_rate, or max_rate and final rate."""
        initial = self.max_rate / self.initial_divisor
        steps = self.steps or total
        peak = self.warmup_share * steps
        if step < peak:
            return _annealed(initial, self.max_rate, (step - 1) / (peak - 1))
        done = min((step - peak) / (steps - peak), 1)
        return _annealed(self.max_rate, initial / self.final_divisor, done)


def _annealed(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + cos(pi * done)) / 2


class Warmup(Schedule):
    """rate = first * (start_factor + (1 - start_factor) * (step - 1) / steps) for `steps` steps.

    Then the rate follows `schedule`, whose steps and share of the training count from there; first
    is its rate at its first step, so the transition is continuous. With a start_factor of 0 the
    first update has no effect. As in PyTorch's LinearLR before another schedule in a SequentialLR.
    Goyal et al., Accurate, Large Minibatch SGD, arXiv:1706.02677, 2017.
    """

    type = "warmup"
    rate_field = "schedule"
    examples = (
        {"steps": 100, "schedule": 0.02},
        {"steps": 100, "start_factor": 0.01, "schedule": {"type": "cosine", "initial_rate": 0.1}},
    )

    steps: int = Field(ge=1, description="updates before the schedule begins")
    start_factor: float = Field(
        default=0.1, ge=0, le=1, description="the first step's rate, as a fraction"
    )
    schedule: LearningRate = Field(description="the value, or a schedule, that follows")

    def rate(self, step: int, total: int) -> float:
        """Return the warmup rate, or the rate of the schedule that follows."""
        if step > self.steps:
            return self._following(step - self.steps, total)
        reached = (step - 1) / self.steps
        return self._following(1, total) * (self.start_factor + (1 - self.start_factor) * reached)

    def _following(self, step: int, total: int) -> float:
        if isinstance(self.schedule, Schedule):
            return self.schedule.rate(step, max(1, total - self.steps))
        return self.schedule


SCHEDULES = (
    "constant cosine coslog exponential flat_cosine inverse_time one_cycle polynomial step warmup"
)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the schedules."""
    for type_ in SCHEDULES.split():
        register.lazily("schedule", type_, __name__)
