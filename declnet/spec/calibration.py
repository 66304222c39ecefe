"""The section `[calibration]`: calibrators, fitted to the validation data after the training."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from declnet.contracts.runs.calibrator import Calibrator
from declnet.errors import Diagnostic
from declnet.spec.section import Section, contradiction


class CalibrationSpec(Section):
    """The postprocessing of the trained model's predictions: `[calibration]`."""

    steps: tuple[Calibrator, ...] = Field(
        min_length=1,
        description="calibrators, each fitted to the validation data's predictions as the steps "
        "before it changed them",
    )

    def check(self) -> Iterator[Diagnostic]:
        """Yield a step that changes what an earlier one is fitted to, or gives the same."""
        givers: dict[str, Calibrator] = {}
        types: set[str] = set()
        for position, step in enumerate(self.steps):
            at = ("steps", position)
            if step.type in types:
                yield contradiction(
                    f'two steps have the type "{step.type}"', "remove one of them", *at
                )
            types.add(step.type)
            if "apply" in step.gives() and givers:
                earlier = next(iter(givers.values())).type
                message = f'"{step.type}" changes the predictions that "{earlier}" is fitted to'
                yield contradiction(message, f'put "{step.type}" before "{earlier}"', *at)
            for output in step.gives():
                if output in givers:
                    both = f'"{step.type}" and "{givers[output].type}" both give {_OUTPUTS[output]}'
                    yield contradiction(both, "remove one of them", *at)
                if output != "apply":
                    givers[output] = step


_OUTPUTS = {"threshold": "a threshold", "intervals": "intervals", "sets": "sets"}
