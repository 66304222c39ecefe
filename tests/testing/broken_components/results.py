"""Layers whose results or declarations are wrong."""

from dataclasses import replace

import numpy as np

from declnet import Layer, OutputRange, Parameter, Regularizer, Schedule, Workspace

from ..right.layers import Doubled, Exponential, Noise, Plus, Shift, Square, Times
from .expected import caught_by


@caught_by("follows_its_schedules")
class KeepsTheFirstFactor(Times):
    """y = factor * x, but with a schedule's first factor at each step."""

    def factor_now(self, state):
        return self.factor.rate(1, 1) if isinstance(self.factor, Schedule) else self.factor


@caught_by("follows_its_schedules")
class TakesTheFactorInEvaluation(Times):
    """y = factor * x, also in evaluation, where a schedule gives none."""

    def forward(self, x, y, state):
        np.multiply(x, state.now.factor, out=y)


@caught_by("gradient_of_inputs")
class HalvedInputGradient(Square):
    """y = x * x, but dx lacks the factor 2."""

    def fill_dx(self, x, dy, dx):
        np.multiply(x, dy, out=dx)


@caught_by("gradient_of_inputs")
class WrongInOneElement(Square):
    """y = x * x, but the sign of each sample's last slope is wrong."""

    def fill_dx(self, x, dy, dx):
        super().fill_dx(x, dy, dx)
        np.negative(dx[..., -1], out=dx[..., -1])


@caught_by("overwrites_outputs")
class AddedInputGradient(Square):
    """y = x * x, but the gradient is added to the previous content of dx."""

    def fill_dx(self, x, dy, dx):
        dx += 2 * x * dy


@caught_by("gradient_of_parameters")
class UnscaledParameterGradient(Layer):
    """y = 3 * x * weights, one weight a feature."""

    type = "unscaled_parameter_gradient"
    backward_needs = frozenset({"x"})

    def parameters(self, input_shape):
        return {"weights": Parameter(input_shape, initializer="ones")}

    def forward(self, x, y, state):
        np.multiply(3 * x, state.weights, out=y)

    def backward(self, x, y, dy, dx, state):
        np.einsum("n...,n...->...", x, dy, out=state.grad.weights)
        if dx is not None:
            np.multiply(3 * dy, state.weights, out=dx)


@caught_by("gradient_of_parameters")
class AveragedParameterGradient(Shift):
    """y = x + shift, but the gradient of the shift is a mean instead of a sum."""

    def fill_gradient(self, dy, state):
        np.mean(dy, axis=0, out=state.grad.shift)


@caught_by("overwrites_outputs")
class AddedParameterGradient(Shift):
    """y = x + shift, but the gradient is added to the previous content."""

    def fill_gradient(self, dy, state):
        state.grad.shift += dy.sum(axis=0)


@caught_by("treats_samples_apart")
class MixesSamples(Doubled):
    """y = x - mean of x over the batch, without saying so."""

    def forward(self, x, y, state):
        np.subtract(x, x.mean(axis=0), out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.subtract(dy, dy.mean(axis=0), out=dx)


@caught_by("treats_samples_apart")
class DividesByTheBatch(Doubled):
    """y = x / n."""

    def forward(self, x, y, state):
        np.divide(x, len(x), out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.divide(dy, len(dy), out=dx)


@caught_by("takes_batches_of_any_size")
class RemembersTheFirstBatch(Doubled):
    """y = 2 * x, of as many samples as the first batch had."""

    def workspace(self, input_shape):
        return {"samples": Workspace((), dtype="int64", per_sample=False, fill=0)}

    def forward(self, x, y, state):
        if not state.samples:
            state.samples[...] = len(x)
        first = slice(int(state.samples))
        np.multiply(x[first], 2, out=y[first])


@caught_by("takes_batches_of_any_size")
class RequiresAWholeBatch(Doubled):
    """y = 2 * x, but for batches that are smaller than the first one."""

    def workspace(self, input_shape):
        return {"samples": Workspace((), dtype="int64", per_sample=False, fill=0)}

    def forward(self, x, y, state):
        state.samples[...] = max(int(state.samples), len(x))
        np.multiply(x, 2 * int(state.samples) / len(x), out=y)


@caught_by("takes_batches_of_any_size")
class AtMost64(Doubled):
    """y = 2 * x, for the first 64 samples."""

    def forward(self, x, y, state):
        np.multiply(x[:64], 2, out=y[:64])


@caught_by("takes_batches_of_any_size")
class RoomFor128(Doubled):
    """y = 2 * x, through a workspace for 128 samples."""

    def workspace(self, input_shape):
        return {"doubled": Workspace((128, *input_shape), per_sample=False)}

    def forward(self, x, y, state):
        np.multiply(x, 2, out=state.doubled[: len(x)])
        np.copyto(y, state.doubled[: len(x)])


@caught_by("treats_samples_apart")
class SaysThatItMixes(Doubled):
    """y = 2 * x, for each sample separately."""

    mixes_samples = True


@caught_by("takes_the_shapes_it_accepts")
class WrongOutputShape(Doubled):
    """y = 2 * x, said to be one feature longer."""

    def output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)


@caught_by("declares_what_the_graph_allocates")
class FloatOutputShape(Doubled):
    """y = 2 * x, with float sizes in its output shape."""

    def output_shape(self, input_shape):
        return tuple(size / 1 for size in input_shape)


@caught_by("declares_what_the_graph_allocates")
class LearnsAndForgetsItself(Doubled):
    """y = 2 * x, with a method that should return the layer."""

    def with_input_info(self, inputs):
        pass


@caught_by("takes_the_shapes_it_accepts")
class TakesMoreThanItCan(Layer):
    """y = x @ weights, for samples of one axis, but it accepts any."""

    type = "takes_more_than_it_can"
    backward_needs = frozenset({"x"})

    def output_shape(self, input_shape):
        return (2,)

    def parameters(self, input_shape):
        return {"weights": Parameter((input_shape[0], 2), initializer="glorot_uniform")}

    def forward(self, x, y, state):
        np.matmul(x, state.weights, out=y)

    def backward(self, x, y, dy, dx, state):
        np.matmul(x.T, dy, out=state.grad.weights)
        if dx is not None:
            np.matmul(dy, state.weights.T, out=dx)


@caught_by("takes_the_shapes_it_accepts")
class RefusesEverything(Doubled):
    """y = 2 * x, for shapes that the kit does not know."""

    def output_shape(self, input_shape):
        raise ValueError("no shape is good enough")


@caught_by("declares_what_the_graph_allocates")
class UnusableWorkspaceName(Doubled):
    """y = 2 * x, with a workspace whose name has a space."""

    def workspace(self, input_shape):
        return {"grad ": Workspace(input_shape)}


@caught_by("declares_what_the_graph_allocates")
class UntrainedButRegularized(Doubled):
    """y = 2 * x, with a parameter that is not trained, but penalized."""

    def parameters(self, input_shape):
        penalty = Regularizer.from_declaration({"type": "l2", "strength": 0.1})
        return {"mean": Parameter(input_shape, "zeros", penalty, trainable=False)}


@caught_by("takes_float32_and_float64")
class TinyEpsilon(Doubled):
    """y = 2 * x * (e / e), with an e that is 0 in float32."""

    def forward(self, x, y, state):
        tiny = x.dtype.type(1e-50)
        np.multiply(x, 2 * (tiny / tiny), out=y)


@caught_by("takes_float32_and_float64")
class Float64Workspace(Doubled):
    """y = 2 * x, through a float64 workspace whatever the model's type."""

    def workspace(self, input_shape):
        return {"doubled": Workspace(input_shape, dtype="float64")}

    def forward(self, x, y, state):
        np.multiply(x, 2, out=state.doubled)
        np.copyto(y, state.doubled, casting="equiv")


@caught_by("gradient_of_inputs")
class Float32Workspace(Doubled):
    """y = 2 * x, through a float32 workspace whatever the model's type."""

    def workspace(self, input_shape):
        return {"doubled": Workspace(input_shape, dtype="float32")}

    def forward(self, x, y, state):
        np.multiply(x, 2, out=state.doubled, casting="same_kind")
        np.copyto(y, state.doubled)


@caught_by("leaves_global_generators_alone")
class GlobalNoise(Noise):
    """y = x + noise from NumPy's global generator."""

    def draw(self, shape, state):
        return np.random.normal(size=shape)


@caught_by("is_deterministic")
class UnseededNoise(Noise):
    """y = x + noise from a private generator."""

    def draw(self, shape, state):
        return np.random.default_rng().normal(size=shape)


@caught_by("evaluates_without_chance")
class NoiseInEvaluation(Noise):
    """y = x + noise, always."""

    def forward(self, x, y, state):
        y[...] = x + self.draw(x.shape, state)


@caught_by("gradient_of_inputs")
class DrawsAgainInBackward(Noise):
    """y = x * mask in training, with another mask in backward."""

    def workspace(self, input_shape):
        return {"mask": Workspace(input_shape)}

    def forward(self, x, y, state):
        state.mask[...] = state.rng.random(x.shape) < 0.5
        np.multiply(x, state.mask if state.training else 1, out=y)

    def backward(self, x, y, dy, dx, state):
        state.mask[...] = state.rng.random(dy.shape) < 0.5
        if dx is not None:
            np.multiply(dy, state.mask, out=dx)


@caught_by("stays_in_its_output_range")
class Gain(Exponential):
    """y = exp(x), said to have an upper bound."""

    output_range = OutputRange(0, 1)


@caught_by("stays_in_its_output_range")
class SeparateSigmoids(Exponential):
    """y = 1 / (1 + exp(-x)), number by number, said to be one distribution."""

    output_range = OutputRange(0, 1, sums_to_one=True)

    def forward(self, x, y, state):
        np.divide(1, 1 + np.exp(-x), out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, y * (1 - y), out=dx)


@caught_by("stays_in_its_output_range")
class DoubledInRange(Doubled):
    """y = 2 * x, said to be in the range of x."""

    output_range = "input"


@caught_by("is_linear_if_it_says_so")
class LinearSquare(Square):
    """y = x * x, said to be linear."""

    is_linear = True


class _Centered(Layer):
    """y = x - mean, with the mean of the batch in training and a running mean otherwise."""

    example_shapes = ((3,),)
    mixes_samples = True

    def parameters(self, input_shape):
        return {"running_mean": Parameter(input_shape, "zeros", trainable=False)}

    def forward(self, x, y, state):
        if not self.uses_running_mean(state):
            mean = x.mean(axis=0)
            state.running_mean += 0.1 * (mean - state.running_mean)
            np.subtract(x, mean, out=y)
        else:
            np.subtract(x, state.running_mean, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.subtract(dy, dy.mean(axis=0), out=dx)

    def uses_running_mean(self, state):
        return not state.training


@caught_by("keeps_still_while_frozen")
class FollowsWhileFrozen(_Centered):
    """The running mean follows the batches of a frozen layer too."""


@caught_by("keeps_still_while_frozen")
class WrongWhileFrozen(_Centered):
    """While frozen, backward still takes the gradient through the batch's mean."""

    def uses_running_mean(self, state):
        return state.frozen or not state.training


@caught_by("measures_running_statistics")
class FollowsWhileMeasured(_Centered):
    """The running mean, declared as such, keeps a share of its earlier value while measured."""

    def parameters(self, input_shape):
        own = super().parameters(input_shape)["running_mean"]
        return {"running_mean": replace(own, running_statistic=True)}

    def forward(self, x, y, state):
        if state.frozen or not state.training:
            np.subtract(x, state.running_mean, out=y)
        else:
            super().forward(x, y, state)

    def backward(self, x, y, dy, dx, state):
        if state.frozen and dx is not None:
            np.copyto(dx, dy)
        else:
            super().backward(x, y, dy, dx, state)


@caught_by("adds_its_inputs_if_it_says_so")
class AveragedSum(Plus):
    """y = mean of x, said to be the sum."""

    def forward(self, x, y, state):
        np.mean(x, axis=0, out=y)

    def backward(self, x, y, dy, dx, state):
        for each in dx:
            if each is not None:
                np.divide(dy, len(dx), out=each)
