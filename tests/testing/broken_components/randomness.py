"""Layers that draw from the wrong place, or at the wrong time."""

import numpy as np

from declnet import Layer, Workspace


class Noise(Layer):
    """y = x + noise in training; the right layer that the others here spoil."""

    type = "noise"
    backward_needs = frozenset()

    def forward(self, x, y, state):
        y[...] = x + self.draw(x.shape, state) if state.training else x

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)

    def draw(self, shape, state):
        return state.rng.normal(size=shape)


class GlobalNoise(Noise):
    """y = x + noise from NumPy's global generator."""

    type = "global_noise"

    def draw(self, shape, state):
        return np.random.normal(size=shape)


class UnseededNoise(Noise):
    """y = x + noise from a private generator."""

    type = "unseeded_noise"

    def draw(self, shape, state):
        return np.random.default_rng().normal(size=shape)


class NoiseInEvaluation(Noise):
    """y = x + noise, always."""

    type = "noise_in_evaluation"

    def forward(self, x, y, state):
        y[...] = x + self.draw(x.shape, state)


class DrawsAgainInBackward(Noise):
    """y = x * mask in training, with another mask in backward."""

    type = "draws_again_in_backward"

    def workspace(self, input_shape):
        return {"mask": Workspace(input_shape)}

    def forward(self, x, y, state):
        state.mask[...] = state.rng.random(x.shape) < 0.5
        np.multiply(x, state.mask if state.training else 1, out=y)

    def backward(self, x, y, dy, dx, state):
        state.mask[...] = state.rng.random(dy.shape) < 0.5
        if dx is not None:
            np.multiply(dy, state.mask, out=dx)


WRONG = {
    GlobalNoise: "leaves_global_generators_alone",
    UnseededNoise: "is_deterministic",
    NoiseInEvaluation: "evaluates_without_chance",
    DrawsAgainInBackward: "gradient_of_inputs",
}
