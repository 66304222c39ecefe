"""A plugin with a metric that checks its configuration."""

from collections.abc import Iterator

from declnet import Array, Diagnostic, Metric, Register, RunContext, hookimpl


class ClassRecall(Metric):
    """The recall of one class."""

    type = "class_recall"
    examples = ({"of_class": 0},)

    of_class: int

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Check that the class exists."""
        train = context.data.get("train")
        if train is not None and train.classes is not None and self.of_class >= train.classes:
            message = f"there is no class {self.of_class}"
            yield Diagnostic(message, f"the classes are 0 to {train.classes - 1}", ("of_class",))

    def start(self) -> list[int]:
        """Return [recognized, all]."""
        return [0, 0]

    def update(self, state: list[int], y_pred: Array, y_true: Array) -> None:
        """Add a batch."""
        there = y_true == self.of_class
        state[0] += int((there & (y_pred.argmax(axis=1) == self.of_class)).sum())
        state[1] += int(there.sum())

    def result(self, state: list[int]) -> float:
        """Return recognized / all."""
        return state[0] / state[1]


@hookimpl
def declnet_register(register: Register) -> None:
    """Register the metric."""
    register(ClassRecall)
