"""JAX, scan over a network written with the batch axis last, which suits small features on a CPU.

No JAX library uses this layout; it shows the effect of the layout alone.
"""

import jax
import jax.numpy as jnp

from measuring.task import Task
from peers.jax_network import Arrays, penalty
from peers.jax_scan import ScanTrainer
from works.layers import Dense
from works.work import Work


def transposed_loss(work: Work, weights: Arrays, x: jax.Array, y: jax.Array) -> jax.Array:
    """Return the same loss for x (features, batch) and one-hot y (classes, batch)."""
    output = x
    for name, layer in work.named_layers:
        if isinstance(layer, Dense):
            biases = weights[f"{name}.biases"][:, None]
            output = weights[f"{name}.weights"].T @ output + biases
        else:
            output = jax.nn.relu(output)
    logarithms: jax.Array = jax.nn.log_softmax(output, axis=0)
    total: jax.Array = penalty(work, weights) - jnp.sum(y * logarithms) / x.shape[1]
    return total


def make(task: Task) -> ScanTrainer:
    """Return the trainer, with its data already transposed."""
    trainer = ScanTrainer(task, transposed_loss)
    trainer.x = jnp.array(jnp.swapaxes(trainer.x, 1, 2))
    trainer.y = jnp.array(jnp.swapaxes(trainer.y, 1, 2))
    return trainer
