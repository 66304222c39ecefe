"""Optimizer: an update rule for parameters, and its learning rate."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    ValidationInfo,
    model_validator,
)

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array, Shape, Sizes
from declnet.contracts.component import Component
from declnet.contracts.context import RunContext
from declnet.contracts.network.parameter import (
    OptimizerState,
    ParameterInfo,
    require_attributes,
    require_like,
)
from declnet.contracts.network.parameter_group import (
    FACTOR,
    GROUPS,
    PARAMETERS,
    ParameterGroup,
    validated_with_groups,
)
from declnet.contracts.network.schedule import LearningRate, Schedule, rate_at
from declnet.contracts.returned import verified
from declnet.contracts.strict_model import located_error
from declnet.errors import Diagnostic


class Optimizer(Component):
    """An update rule; the graph computes the learning rate of each step.

    A component may override the default of `learning_rate`. All trainable parameters form one flat
    vector, and the graph calls `update` on arbitrary slices of it, so the rule must be elementwise;
    unless `per_parameter` is True: then `update` gets one parameter at a time, in its shape.
    """

    kind = "optimizer"
    conformance_checks = "declnet.testing.checks.optimizers"
    required_methods = ("update",)
    _optional = frozenset({GROUPS})
    _spec_keys = frozenset({PARAMETERS, FACTOR})
    other_keys: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("lr", "eta", "rate", "learning_rate_init"), "learning_rate"),
        **dict.fromkeys(
            ("schedule", "scheduler", "lr_schedule", "lr_scheduler"),
            'learning_rate takes a schedule: learning_rate = { type = "…" }',
        ),
        "param_groups": GROUPS,
    }

    usual_learning_rates: ClassVar[tuple[float, float] | None] = None
    """The range of learning rates in common use; `check` warns about others. None if unknown."""

    per_parameter: ClassVar[bool] = False
    """Whether `update` gets whole parameters in their shapes, not slices of a flat vector."""

    learning_rate: LearningRate
    decay: float = Field(
        default=0.0, ge=0, description="learning_rate / (1 + decay * (step - 1)), steps from 1"
    )

    groups: tuple[ParameterGroup, ...] = Field(
        default=(),
        description="parameters to update with other fields, by another rule, or at another rate",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _with_groups(
        cls, values: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        optimizer: Self = validated_with_groups(cls, values, handler, info.context)
        return optimizer

    @model_validator(mode="after")
    def _one_rule_for_the_rate(self) -> Self:
        if isinstance(self.learning_rate, Schedule) and self.decay:
            message = "decay and a schedule cannot be combined; remove one of them"
            raise located_error("contradiction", message, ("decay",), self.decay, code="E017")
        return self

    def check(self, context: RunContext) -> Iterator[Diagnostic]:  # noqa: ARG002
        """Warn about a constant learning rate that is 0 or outside the usual range."""
        rate = self.learning_rate
        if isinstance(rate, Schedule):
            return
        if not rate:
            yield self._unusual_rate("with a learning rate of 0, nothing is learned")
        elif self.usual_learning_rates is not None:
            smallest, largest = self.usual_learning_rates
            if not smallest <= rate <= largest:
                yield self._unusual_rate(
                    f"a learning rate of {rate:g} is {'below' if rate < smallest else 'above'} the "
                    f"usual range of {self.type}, {smallest:g} to {largest:g}"
                )

    def _unusual_rate(self, message: str) -> Diagnostic:
        default = type(self).model_fields["learning_rate"].default
        hint = f"its default is {default:g}" if isinstance(default, float) else None
        return Diagnostic(message, hint, ("learning_rate",), "W004")

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of an update.

        Args:
            step: number of the update, from 1.
            total: number of updates in the whole training.

        Raises:
            BrokenContractError: the schedule did not return a valid rate.
        """
        schedule = self.learning_rate
        if isinstance(schedule, Schedule):
            return rate_at(schedule, step, total)
        return float(self._decayed(schedule, step - 1))

    def rates(self, steps: range, total: int) -> Array:
        """Return the learning rates of several updates, float64 (updates,).

        Default: what `rate` returns for each of them.

        Args:
            steps: the numbers of the updates, from 1, one after another.
            total: number of updates in the whole training.

        Raises:
            BrokenContractError: as `rate` does.
        """
        schedule = self.learning_rate
        if type(self).rate is not Optimizer.rate:
            rates = [verified(Optimizer.rate, self, step, total) for step in steps]
            return np.array(rates, np.float64)
        if isinstance(schedule, Schedule):
            return np.array([rate_at(schedule, step, total) for step in steps], np.float64)
        if not self.decay:
            return np.full(len(steps), schedule, np.float64)
        decayed: Array = self._decayed(schedule, np.arange(steps.start - 1, steps.stop - 1))
        return decayed

    def verify_rates(self, rates: Array, steps: range, _: int) -> None:
        """Raise Misfit unless there is a rate in float64 for each step."""
        if rates.dtype != np.float64 or rates.shape != (len(steps),):
            raise Misfit.of(rates, f"an array of float64 with the shape ({len(steps)},)")

    def _decayed(self, initial: float, before: Any) -> Any:
        """Return the rate after a number of updates, or after each of an array of numbers."""
        return initial / (1.0 + self.decay * before)

    def state_names(self) -> tuple[str, ...]:
        """Return the names of its state arrays; each has the size of w and starts at 0."""
        return ()

    def verify_state_names(self, names: tuple[str, ...]) -> None:
        """Raise Misfit for names that are equal, or cannot be attributes of the state."""
        require_attributes(names, ("scratch", "now"))
        if len(set(names)) < len(names):
            raise Misfit.of(names, "distinct names")

    def state_shapes(self, parameter: ParameterInfo) -> dict[str, Sizes]:
        """Return the shapes of its state arrays for a parameter, by name, if it is `per_parameter`.

        The arrays start at 0, and are saved in checkpoints. Default: an array for each of
        `state_names()`, in the shape of the parameter.
        """
        return dict.fromkeys(verified(Optimizer.state_names, self), parameter.shape)

    def verify_state_shapes(self, shapes: dict[str, Shape], _: ParameterInfo) -> None:
        """Raise Misfit for a name that cannot be an attribute of the state."""
        require_attributes(shapes, ("scratch", "now", "parameter"))

    def workspace_shapes(self, parameter: ParameterInfo) -> dict[str, Sizes]:  # noqa: ARG002
        """Return the shapes of further arrays, by name, if it is `per_parameter`.

        They are for intermediate results within one `update`, and have arbitrary contents before.
        """
        return {}

    def verify_workspace_shapes(self, shapes: dict[str, Shape], parameter: ParameterInfo) -> None:
        """Raise Misfit for a name that is taken, or cannot be an attribute of the state."""
        names = verified(Optimizer.state_shapes, self, parameter)
        require_attributes(shapes, ("scratch", "now", "parameter", *names))

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Update `w` in place, elementwise unless `per_parameter`.

        Args:
            w: a slice of the parameters, flat and contiguous; or a parameter, contiguous.
            dw: its gradient; may be overwritten.
            state: the arrays of `state_names()` for this slice, `state.scratch`, two more, and
                `state.now`, this step's values of scheduled fields. If `per_parameter`, the arrays
                of `state_shapes` and `workspace_shapes`, and `state.parameter`.
            learning_rate: this step's rate.
            step: number of the update, from 1.
        """
        raise NotImplementedError

    def evaluated(self, w: Array, state: OptimizerState) -> Array:  # noqa: ARG002
        """Return the parameters that are evaluated, saved and exported instead of `w`.

        Called between updates, for each evaluation of the model, on the same parts of parameters
        as `update`; `w` and the state are read-only. For a state of zeros, as before the first
        update, it must return the values of `w`. Default: `w`, at no cost.

        Args:
            w: as for `update`.
            state: as for `update`, without `workspace_shapes`; `state.now` is of the last update.
        """
        return w

    def verify_evaluated(self, parameters: Array, w: Array, _: OptimizerState) -> None:
        """Raise Misfit unless there is a parameter for each of w, in its type."""
        require_like(parameters, w)
