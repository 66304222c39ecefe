"""Keras 3 on JAX: jitted `fit`, fed with prepared batches."""

from functools import partial
from itertools import cycle

import jax
import keras

from measuring.task import Task
from peers.keras_network import KerasNetwork
from works.channels_last import samples_last
from works.data import VALIDATION_FILE, Weights, read_data, read_weights
from works.work import BETA_1, BETA_2, EPSILON

MAX_STEPS = 128  # between the bookkeeping of `fit`, which costs half of a small step


class KerasTrainer:
    """A trainer by `fit` with one epoch of the requested length, so that epochs cost nothing.

    A validated work has its own epochs, with Keras's `EarlyStopping`; a shuffled one has, too.
    """

    def __init__(self, task: Task) -> None:
        work = task.work
        keras.config.set_floatx(work.dtype)
        jax.config.update("jax_enable_x64", work.dtype == "float64")
        x, y = read_data(task.path)
        starts = range(0, work.samples, work.batch)
        x = samples_last(x)
        self.batches = [(x[at : at + work.batch], y[at : at + work.batch]) for at in starts]
        self.initial = read_weights(task.path)
        self.network = KerasNetwork(work)
        optimizer = keras.optimizers.Adam(work.learning_rate, BETA_1, BETA_2, EPSILON)
        if work.classifies:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        else:
            loss = keras.losses.MeanSquaredError()
        self.work = work
        x, y = read_data(task.path, VALIDATION_FILE)
        self.validation = samples_last(x), y
        steps = work.steps_per_epoch if work.validated or work.shuffled else task.steps
        joined = max(n for n in range(1, MAX_STEPS + 1) if steps % n == 0)
        self.network.model.compile(optimizer, loss, jit_compile=True, steps_per_execution=joined)
        optimizer.build(self.network.model.trainable_variables)
        self.states = [(variable, variable.numpy().copy()) for variable in optimizer.variables]

    def reset(self) -> None:
        """Restore the initial weights and the initial state of the optimizer."""
        self.network.load(self.initial)
        for variable, value in self.states:
            variable.assign(value)

    def train(self, steps: int) -> None:
        """Call `fit`, which syncs with the device before it returns."""
        if self.work.shuffled:
            ((x, y),) = self.batches
            self.network.model.fit(x, y, batch_size=len(x), epochs=steps, verbose=0)
            return
        batches = (batch for batch in cycle(self.batches))  # `fit` requires a generator
        fit = partial(self.network.model.fit, batches, shuffle=False, verbose=0)
        if not self.work.validated:
            fit(steps_per_epoch=steps)
            return
        epochs, size = steps // self.work.steps_per_epoch, len(self.validation[1])
        stopping = keras.callbacks.EarlyStopping(patience=epochs, restore_best_weights=True)
        fit(
            steps_per_epoch=self.work.steps_per_epoch,
            epochs=epochs,
            validation_data=self.validation,
            validation_batch_size=size,
            callbacks=[stopping],
        )

    def weights(self) -> Weights:
        """Return the weights, laid out as in the works."""
        return self.network.weights()


def make(task: Task) -> KerasTrainer:
    """Return the trainer."""
    return KerasTrainer(task)
