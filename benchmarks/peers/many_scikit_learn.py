"""scikit-learn's MLPClassifier, a fit for each seed, by joblib in processes."""

import warnings
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from works.data import Floats, Labels
from works.many import ManyWork


def train(work: ManyWork, folder: Path, count: int) -> list[float]:
    """Train in as many processes as there are cores; return the loss of each run."""
    x, y = work.read(folder)
    tasks = (delayed(loss_of)(work, x, y, seed) for seed in range(count))
    return list(Parallel(n_jobs=-1)(tasks))


def loss_of(work: ManyWork, x: Floats, y: Labels, seed: int) -> float:
    """Return the loss of a network on its training data after the training."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # `max_iter` ends it on purpose
    model = MLPClassifier(
        hidden_layer_sizes=[work.units],
        alpha=0.0,
        batch_size=work.batch,
        learning_rate_init=work.learning_rate,
        shuffle=not work.full_batch,
        n_iter_no_change=10**9,
        max_iter=work.epochs,
        random_state=seed,
    )
    probabilities = model.fit(x, y).predict_proba(x)
    return float(-np.log(probabilities[np.arange(len(y)), y].clip(1e-7)).mean())
