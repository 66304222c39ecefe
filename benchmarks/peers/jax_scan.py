"""JAX, scan: a short run's steps in one compiled lax.scan, state donated, data on the device."""

import jax
import jax.numpy as jnp

from measuring.task import Task
from peers.jax_jit import JaxTrainer, Loss, State, step
from peers.jax_network import loss


class ScanTrainer(JaxTrainer):
    """A trainer by scans of the task's steps; short and long runs use one compiled program."""

    def __init__(self, task: Task, loss: Loss) -> None:
        super().__init__(task)
        self.length = task.steps
        work = task.work

        def scan(state: State, x: jax.Array, y: jax.Array) -> State:
            def full_batch(state: State, _: None) -> tuple[State, None]:
                return step(work, loss, state, x[0], y[0]), None

            def mini_batch(state: State, index: jax.Array) -> tuple[State, None]:
                return step(work, loss, state, x[index], y[index]), None

            if work.full_batch:
                state, _ = jax.lax.scan(full_batch, state, None, self.length)
            else:
                indices = jnp.arange(self.length) % len(x)
                state, _ = jax.lax.scan(mini_batch, state, indices)
            return state

        self.scan = jax.jit(scan, donate_argnums=0)

    def train(self, steps: int) -> None:
        """Run as many scans as the steps fill; runs are whole numbers of scans."""
        for _ in range(steps // self.length):
            self.state = self.scan(self.state, self.x, self.y)
        jax.block_until_ready(self.state)


def make(task: Task) -> ScanTrainer:
    """Return the trainer."""
    return ScanTrainer(task, loss)
