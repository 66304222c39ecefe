"""JAX, scan over a network written with the batch axis last, which suits small features on a CPU.

Not how JAX or any library on it is written; it shows what the layout alone is worth.
"""

import jax
import jax.numpy as jnp

from peers.jax_jit import Arrays, penalty
from peers.jax_scan import ScanTrainer
from task import Sample, Task
from trainer import time_trainer
from works import Dense, Work


def transposed_loss(work: Work, weights: Arrays, x: jax.Array, y: jax.Array) -> jax.Array:
    """The same loss of x (features, batch) and one-hot y (classes, batch)."""
    output, number = x, 0
    for layer in work.layers:
        if isinstance(layer, Dense):
            number += 1
            biases = weights[f"dense_{number}.biases"][:, None]
            output = weights[f"dense_{number}.weights"].T @ output + biases
        else:
            output = jax.nn.relu(output)
    scores: jax.Array = jax.nn.log_softmax(output, axis=0)
    total: jax.Array = penalty(work, weights) - jnp.sum(y * scores) / x.shape[1]
    return total


def measure(task: Task) -> Sample:
    """Time the scans, the data transposed beforehand."""
    trainer = ScanTrainer(task, transposed_loss)
    trainer.x = jnp.array(jnp.swapaxes(trainer.x, 1, 2))
    trainer.y = jnp.array(jnp.swapaxes(trainer.y, 1, 2))
    return time_trainer(trainer, task)
