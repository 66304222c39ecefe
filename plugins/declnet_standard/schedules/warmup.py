"""Linear warmup before another schedule."""

from pydantic import Field

from declnet import LearningRate, Schedule


class Warmup(Schedule):
    """rate = first * (start_factor + (1 - start_factor) * (step - 1) / steps) for `steps` steps.

    Then the rate follows `schedule`, whose steps and share of the training count from there; first
    is its rate at its first step, so the transition is continuous. Steps from 1; with a
    start_factor of 0 the first update has no effect. As in PyTorch's LinearLR before another
    schedule in a SequentialLR.
    Goyal et al., Accurate, Large Minibatch SGD, arXiv:1706.02677, 2017.
    """

    type = "warmup"
    examples = (
        {"steps": 100, "schedule": 0.02},
        {
            "steps": 100,
            "start_factor": 0.01,
            "schedule": {"type": "cosine", "initial_rate": 0.1},
        },
    )

    steps: int = Field(ge=1, description="updates before the schedule begins")
    start_factor: float = Field(
        default=0.1, ge=0, le=1, description="the rate of the first step, as a share"
    )
    schedule: LearningRate = Field(description="the learning rate, or a schedule, that follows")

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
