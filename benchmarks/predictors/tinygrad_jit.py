"""tinygrad: the network in its TinyJit."""

from typing import Any

import tinygrad

from measuring.task import Task
from peers.tinygrad_network import scores, tensors
from predictors.timing import Predict
from works.data import Floats, Samples, read_weights


def make(task: Task) -> Predict:
    """Return the jitted function, with the weights in its memory."""
    weights = tensors(read_weights(task.path))

    def probabilities(x: Any) -> Any:
        return scores(task.work, weights, x).softmax().realize()

    compiled = tinygrad.TinyJit(probabilities)

    def predict(x: Samples) -> Floats:
        result: Floats = compiled(tinygrad.Tensor(x).realize()).numpy()
        return result

    return predict
