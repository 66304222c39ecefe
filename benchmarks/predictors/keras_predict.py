"""Keras 3 on JAX: `predict_on_batch`, its fastest way from array to array."""

import keras

from measuring.task import Task
from peers.keras_network import KerasNetwork
from predictors.timing import Predict
from works.channels_last import samples_last
from works.data import Floats, Samples, read_weights


def make(task: Task) -> Predict:
    """Return the model with softmax on top."""
    network = KerasNetwork(task.work)
    network.load(read_weights(task.path))
    model = keras.Sequential([network.model, keras.layers.Softmax()])
    model.compile(jit_compile=True)

    def predict(x: Samples) -> Floats:
        probabilities: Floats = model.predict_on_batch(samples_last(x))
        return probabilities

    return predict
