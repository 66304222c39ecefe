"""scikit-learn's MLPClassifier in float32, warm-started from given weights."""

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from measuring.task import Task
from works.data import Weights, read_data, read_weights
from works.work import BETA_1, BETA_2, EPSILON

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}
"""scikit-learn's names of the activations, by their kind."""


class ScikitLearnTrainer:
    """A trainer by `fit`, whose `max_iter` counts epochs."""

    def __init__(self, task: Task) -> None:
        warnings.simplefilter("ignore", ConvergenceWarning)  # `max_iter` ends it on purpose
        self.work = task.work
        self.x, self.y = read_data(task.path)
        self.initial = read_weights(task.path)
        self.model = MLPClassifier(
            hidden_layer_sizes=[layer.units for layer in self.work.dense[:-1]],
            activation=ACTIVATIONS[self.work.layers[1].kind],
            alpha=2 * max(layer.l2 for layer in self.work.dense) * self.work.batch,
            batch_size=self.work.batch,
            learning_rate_init=self.work.learning_rate,
            beta_1=BETA_1,
            beta_2=BETA_2,
            epsilon=EPSILON,
            shuffle=self.work.shuffled,
            warm_start=True,
            n_iter_no_change=10**9,
            max_iter=1,
        )
        self.model.fit(self.x, self.y)

    def reset(self) -> None:
        """Restore the initial weights; `fit` creates a new Adam each time."""
        names = [f"dense_{number + 1}" for number in range(len(self.work.dense))]
        self.model.coefs_ = [self.initial[f"{name}.weights"].copy() for name in names]
        self.model.intercepts_ = [self.initial[f"{name}.biases"].copy() for name in names]
        self.model.n_iter_ = 0
        self.model.t_ = 0

    def train(self, steps: int) -> None:
        """Train whole epochs, in one `fit`."""
        self.model.set_params(max_iter=steps // self.work.steps_per_epoch)
        self.model.fit(self.x, self.y)

    def weights(self) -> Weights:
        """Return the weights, laid out as in the works."""
        weights: Weights = {}
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        for number, (coefficients, intercepts) in enumerate(pairs, start=1):
            weights[f"dense_{number}.weights"] = coefficients.copy()
            weights[f"dense_{number}.biases"] = intercepts.copy()
        return weights


def make(task: Task) -> ScikitLearnTrainer:
    """Return the trainer."""
    return ScikitLearnTrainer(task)
