"""JAX, scan: a short run's steps in one compiled lax.scan, state donated, data on the device."""

import jax
import jax.numpy as jnp

from measuring.task import Task
from peers.jax_jit import JaxTrainer, Loss, State, step
from peers.jax_network import Arrays, loss
from works.channels_last import samples_last
from works.data import VALIDATION_FILE, read_data

Best = tuple[jax.Array, Arrays]  # the lowest loss of an epoch, and its weights


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
        if work.validated:
            self.length = work.steps_per_epoch
            x, y = read_data(task.path, VALIDATION_FILE)
            one_hot = jnp.eye(work.classes, dtype=work.dtype)[y]
            validation = jnp.asarray(samples_last(x)), one_hot

            def epoch(state: State, best: Best, x: jax.Array, y: jax.Array) -> tuple[State, Best]:
                """Scan, compute the loss, and keep the weights if it is the lowest."""
                state = scan(state, x, y)
                now = loss(work, state[0], *validation)
                weights = jax.tree.map(
                    lambda a, b: jnp.where(now < best[0], a, b), state[0], best[1]
                )
                return state, (jnp.minimum(now, best[0]), weights)

            self.epoch = jax.jit(epoch, donate_argnums=(0, 1))

    def train(self, steps: int) -> None:
        """Run as many scans as the steps fill; runs are whole numbers of scans."""
        if self.work.validated:
            best: Best = (
                jnp.asarray(jnp.inf, self.work.dtype),
                jax.tree.map(jnp.array, self.state[0]),
            )
            for _ in range(steps // self.length):
                self.state, best = self.epoch(self.state, best, self.x, self.y)
                float(best[0])  # early stopping decides now
            self.state = (best[1], *self.state[1:])
            return
        for _ in range(steps // self.length):
            self.state = self.scan(self.state, self.x, self.y)
        jax.block_until_ready(self.state)


def make(task: Task) -> ScanTrainer:
    """Return the trainer."""
    return ScanTrainer(task, loss)
