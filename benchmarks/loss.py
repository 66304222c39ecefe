"""The loss of finished weights, computed for all peers alike, in float64 and in plain NumPy."""

import numpy as np

from data import Floats, Labels, Weights
from works import Dense, Work


def training_loss(work: Work, weights: Weights, x: Floats, y: Labels) -> float:
    """Mean cross-entropy over all samples plus the L2 penalties."""
    output = x.astype(np.float64)
    penalty = 0.0
    number = 0
    for layer in work.layers:
        if isinstance(layer, Dense):
            number += 1
            w = weights[f"dense_{number}.weights"].astype(np.float64)
            b = weights[f"dense_{number}.biases"].astype(np.float64)
            output = output @ w + b
            penalty += layer.l2 * (float(np.sum(w * w)) + float(np.sum(b * b)))
        else:
            output = np.maximum(output, 0.0)
    output -= output.max(axis=1, keepdims=True)
    log_sums = np.log(np.sum(np.exp(output), axis=1))
    return float(np.mean(log_sums - output[np.arange(len(y)), y])) + penalty
