"""The section `[calibration]`: calibrators, fitted to the validation data after the training."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from declnet.contracts.runs.calibrator import Calibrator
from declnet.contracts.strict_model import StrictModel, located_error


class CalibrationSpec(StrictModel):
    """The postprocessing of the trained model's predictions: `[calibration]`."""

    steps: tuple[Calibrator, ...] = Field(
        min_length=1,
        description="calibrators, each fitted to the validation data's predictions as the steps "
        "before it changed them",
    )

    @model_validator(mode="after")
    def _steps_fit_together(self) -> Self:
        given: dict[str, Calibrator] = {}
        types: set[str] = set()
        for position, step in enumerate(self.steps):
            at = ("steps", position)
            if step.type in types:
                message = f'two steps have the type "{step.type}"'
                raise located_error("contradiction", message, at, step, hint="remove one of them")
            types.add(step.type)
            if "apply" in step.gives() and given:
                earlier = next(iter(given.values())).type
                message = f'"{step.type}" changes the predictions that "{earlier}" is fitted to'
                hint = f'put "{step.type}" before "{earlier}"'
                raise located_error("contradiction", message, at, step, hint=hint)
            for give in step.gives():
                if give in given:
                    message = f'"{step.type}" and "{given[give].type}" both give {_IN_WORDS[give]}'
                    hint = "remove one of them"
                    raise located_error("contradiction", message, at, step, hint=hint)
                if give != "apply":
                    given[give] = step
        return self


_IN_WORDS = {"threshold": "a threshold", "intervals": "intervals", "sets": "sets"}
