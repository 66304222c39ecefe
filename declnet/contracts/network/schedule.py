"""Schedule, a number that depends on the step, and the fields that take one."""

from math import inf
from typing import Annotated, ClassVar

from pydantic import Field

from declnet.contracts.annotations import Misfit
from declnet.contracts.component import Component
from declnet.contracts.number_or import MAXIMUM, NumberOr
from declnet.contracts.returned import BrokenContractError, verify
from declnet.errors import RegistryError


class Schedule(Component):
    """A number that depends on the step and the total number of steps, e.g. a learning rate."""

    kind = "schedule"
    conformance_checks = "declnet.testing.checks.schedules"
    required_methods = ("rate",)

    rate_field: ClassVar[str | None] = None
    """The field with the rate that all others follow, a number or a `LearningRate`, which
    `declnet find-rate` varies and writes. None if no single field does."""

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also if `rate_field` does not name a field."""
        super().verify_contract()
        if cls.rate_field is not None and cls.rate_field not in cls.model_fields:
            raise RegistryError(
                f'{cls.__name__}.rate_field is "{cls.rate_field}", but {cls.__name__} has no such '
                "field"
            )

    def rate(self, step: int, total: int) -> float:
        """Return the value for an update, e.g. its learning rate; finite and at least 0.

        Args:
            step: number of the update, from 1.
            total: number of updates in the whole training, unless a callback ends it early.
        """
        raise NotImplementedError

    def verify_rate(self, rate: float, step: int, _: int) -> None:
        """Raise Misfit for a rate that is negative or not finite."""
        if not 0 <= rate < inf:
            raise Misfit.of(rate, f"a finite number of at least 0 (step {step})")


def rate_at(
    schedule: Schedule, step: int, total: int, field: str = "", bounds: NumberOr | None = None
) -> float:
    """Return the verified rate of a schedule; called at every step of a training.

    Args:
        schedule: the schedule.
        step: number of the update, from 1.
        total: number of updates in the whole training.
        field: the field that has the schedule, for messages.
        bounds: the range of the field.

    Raises:
        BrokenContractError: it returned no such number.
    """
    rate = schedule.rate(step, total)
    if type(rate) is not float or not 0.0 <= rate < inf:  # nearly every rate passes here
        rate = verify(Schedule.rate, schedule, rate, step, total)
    if bounds is not None and not bounds.contains(rate):
        fault = f"returned {rate}, not {bounds.in_words()}, as {field} must be (step {step})"
        raise BrokenContractError(schedule, "rate", fault)
    return rate


class Scheduled(NumberOr):
    """Annotation for a field of a layer or an optimizer that may change from step to step.

    The field `rate: Annotated[float | Schedule, Scheduled(ge=0, lt=1)]` takes a number or a
    schedule. Either way, methods read this step's number from `state.now.rate`.

    Args:
        ge: the number must be at least this.
        gt: the number must be greater than this.
        le: the number must be at most this.
        lt: the number must be less than this.
    """

    by_step: ClassVar[bool] = True

    def __init__(
        self,
        *,
        ge: float = -inf,
        gt: float = -inf,
        le: float = MAXIMUM,
        lt: float = inf,
    ) -> None:
        super().__init__(Schedule, above=gt, minimum=ge, below=lt, maximum=le)


LearningRate = Annotated[
    float | Schedule,
    NumberOr(Schedule, minimum=0),
    Field(description="step size, or a schedule of it"),
]
"""A number of at least 0, or a `Schedule`."""


def schedules_of(component: Component) -> dict[str, Schedule]:
    """Return the schedules in a component's scheduled fields, by field."""
    values = {name: getattr(component, name) for name in component.scheduled_fields()}
    return {name: value for name, value in values.items() if isinstance(value, Schedule)}
