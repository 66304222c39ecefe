"""thinc: `Model.predict`; the last layer includes softmax."""

from measuring.task import Task
from peers.thinc_network import ThincNetwork
from predictors.timing import Predict
from works.data import read_weights


def make(task: Task) -> Predict:
    """Return the model with the weights."""
    network = ThincNetwork(task.work)
    network.load(read_weights(task.path))
    predict: Predict = network.model.predict
    return predict
