"""A plugin with a metric whose field was renamed."""

from declnet import Array, Metric, Register, hookimpl


class ClassRecall(Metric):
    """The recall of one class."""

    type = "class_recall"
    examples = ({"of_class": 0},)
    renamed_fields = {"label": "of_class"}

    of_class: int

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
