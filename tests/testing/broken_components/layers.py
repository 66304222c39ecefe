"""Layers whose results, declarations or uses of memory are wrong."""

from dataclasses import replace
from typing import Literal

import numpy as np

from declnet import Layer, OutputRange, Parameter, Regularizer, Schedule, Workspace

from ..right.layers import Doubled, Exponential, Noise, Plus, Shift, Square, Times, VectorScale
from .broken import broken

COUNTED, KEPT = [], {}
"""State that components keep in their module."""

PENALTY = Regularizer.from_declaration({"type": "l2", "strength": 0.1})


def count(self, *_):
    COUNTED.append(1)
    return len(COUNTED)


def count_on_the_class(self, *_):
    type(self).calls = getattr(type(self), "calls", 0) + 1


def keep_on_state(self, x, y, state):
    state.kept = x


def keep_in_module(self, x, y, state):
    KEPT["x"] = x.copy()


def refuse(self, *_):
    raise ValueError("nothing is good enough")


def unless_none(dx, *factors):
    """Write the product of the factors to dx unless it is None."""
    if dx is not None:
        dx[...] = factors[0]
        for factor in factors[1:]:
            dx *= factor


def elementwise(value, slope):
    """Return methods of a layer y = value(x) that computes the gradient as slope(x)."""
    return {
        "forward": lambda self, x, y, state: np.copyto(y, value(x), casting="same_kind"),
        "backward": lambda self, x, y, dy, dx, state: unless_none(dx, dy, slope(x)),
    }


def norm(x):
    return np.sqrt(np.sum(x * x, axis=-1, keepdims=True))


def by_workspace(declared, casting="same_kind"):
    """Return methods of a layer that doubles its input in a workspace of this shape."""

    def forward(self, x, y, state):
        np.multiply(x, 2, out=state.doubled[: len(x)], casting="same_kind")
        np.copyto(y, state.doubled[: len(x)], casting=casting)

    return {"workspace": lambda self, shape: {"doubled": declared(shape)}, "forward": forward}


def untrained(shape, *penalty):
    """Return the declaration of a parameter that is not trained."""
    return {"mean": Parameter(shape, "zeros", *penalty, trainable=False)}


def with_samples(forward):
    """Return methods of a layer with a workspace for a number of samples."""
    samples = Workspace((), dtype="int64", per_sample=False, fill=0)
    return {"workspace": lambda self, shape: {"samples": samples}, "forward": forward}


def remembering(self, x, y, state):
    state.samples[...] = int(state.samples) or len(x)
    first = slice(int(state.samples))
    np.multiply(x[first], 2, out=y[first])


def alternating(x):
    """Return x doubled, but with every second number in memory order negated."""
    values = x.ravel(order="K") * 2
    values[::2] *= -1
    return values.reshape(x.shape)


class Centered(Layer):
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


class FollowsWhileMeasured(Centered):
    """A declared running mean that keeps a share of its old value while it is measured."""

    type = "follows_while_measured"

    def parameters(self, input_shape):
        mean = super().parameters(input_shape)["running_mean"]
        return {"running_mean": replace(mean, running_statistic=True)}

    def uses_running_mean(self, state):
        return state.frozen or not state.training

    def backward(self, x, y, dy, dx, state):
        if state.frozen:
            unless_none(dx, dy)
        else:
            super().backward(x, y, dy, dx, state)


class TakesMoreThanItCan(VectorScale):
    """y = x @ weights, which only works for samples of one axis but accepts any shape."""

    type = "takes_more_than_it_can"

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


BROKEN = (
    broken("gradient_of_inputs", Square, "has_the_slope_of_relu_above_6",
           **elementwise(lambda x: np.clip(x, 0, 6), lambda x: x > 0)),
    broken("gradient_of_inputs", Square, "has_a_wrong_slope_below_minus_6",
           **elementwise(lambda x: np.where(x < -6, 0.1 * x, x), np.ones_like)),
    broken("gradient_of_inputs", Square, "clips_with_its_gradient_on",
           **elementwise(lambda x: np.clip(x, -20, 20), np.ones_like)),
    broken("gradient_of_inputs", Square, "has_no_slope_at_zero",
           **elementwise(np.abs, lambda x: x / np.abs(x))),
    broken("gradient_of_inputs", Square, "has_a_third_slope_at_zero",
           **elementwise(np.abs, lambda x: np.sign(x) + 5 * (x == 0))),
    broken("gradient_of_inputs", Square, "has_a_wrong_slope_from_2.9_to_3",
           **elementwise(lambda x: x + 2 * np.clip(x - 2.9, 0, 0.1), np.ones_like)),
    broken("gradient_of_inputs", Square, "has_no_slope_at_a_half",
           **elementwise(lambda x: np.abs(x - 0.5), lambda x: (x - 0.5) / np.abs(x - 0.5))),
    broken("gradient_of_inputs", Square, "forgets_its_field",
           __annotations__={"factor": float}, factor=1.0,
           forward=lambda self, x, y, state: np.multiply(self.factor * x, x, out=y)),
    broken("gradient_of_inputs", Square, "forgets_its_option",
           __annotations__={"power": Literal["one", "two"]}, power="two",
           forward=lambda self, x, y, state: np.power(x, 2 if self.power == "two" else 1, out=y)),
    broken("stays_finite", Square, "overflows_in_between",
           **elementwise(lambda x: np.log1p(np.exp(x)), lambda x: 1 / (1 + np.exp(-x)))),
    broken("stays_finite", Square, "is_undefined_at_zero",
           **elementwise(lambda x: x * x / x, np.ones_like)),
    broken("stays_finite", Square, "divides_by_the_norm_of_zeros",
           **elementwise(lambda x: x / norm(x), lambda x: 1 / norm(x))),
    broken("stays_finite", Centered, "divides_by_the_deviation", forward=lambda self, x, y, state:
           np.divide(x - x.mean(axis=0), x.std(axis=0), out=y)),
    broken("takes_batches_of_any_size", Doubled, "squeezes_a_single_sample",
           forward=lambda self, x, y, state:
           np.multiply(x, 2 if np.squeeze(x).ndim == x.ndim else 1, out=y)),
    broken("takes_batches_of_any_size", Shift, "squeezes_a_single_gradient",
           backward=lambda self, x, y, dy, dx, state: (
               Shift.backward(self, x, y, dy, dx, state),
               [np.multiply(array, min(2, len(dy)), out=array)
                for array in vars(state.grad).values()])),
    # results
    broken("gradient_of_inputs", Square, "halves_dx",
           fill_dx=lambda self, x, dy, dx: np.multiply(x, dy, out=dx)),
    broken("gradient_of_inputs", Doubled, "works_in_float32",
           **by_workspace(lambda shape: Workspace(shape, dtype="float32"), "same_kind")),
    broken("gradient_of_parameters", VectorScale, "forgets_a_factor",
           forward=lambda self, x, y, state: np.multiply(3 * x, state.weights, out=y)),
    broken("gradient_of_parameters", Shift, "does_not_use_its_parameter",
           forward=lambda self, x, y, state: np.copyto(y, x),
           fill_gradient=lambda self, dy, state: state.grad.shift.fill(0)),
    broken("writes_every_output", Square, "adds_to_dx",
           fill_dx=lambda self, x, dy, dx: np.add(dx, 2 * x * dy, out=dx)),
    broken("treats_samples_apart", Doubled, "mixes_samples",
           forward=lambda self, x, y, state: np.subtract(x, x.mean(axis=0), out=y),
           backward=lambda self, x, y, dy, dx, state: unless_none(dx, dy - dy.mean(axis=0))),
    broken("treats_samples_apart", Doubled, "says_that_it_mixes", mixes_samples=True),
    broken("takes_batches_of_any_size", Doubled, "remembers_one", **with_samples(remembering)),
    broken("takes_batches_of_any_size", Doubled, "has_room_for_128",
           **by_workspace(lambda shape: Workspace((128, *shape), per_sample=False))),
    broken("takes_float32_and_float64", Doubled, "divides_by_too_little", forward=lambda self, x, y,
           state: np.multiply(x, 2 * np.divide(*[x.dtype.type(1e-50)] * 2), out=y)),
    broken("takes_float32_and_float64", Doubled, "works_in_float64",
           **by_workspace(lambda shape: Workspace(shape, dtype="float64"), "equiv")),
    broken("takes_any_memory_order", Doubled, "walks_through_memory",
           forward=lambda self, x, y, state: np.copyto(y, alternating(x)),
           backward=lambda self, x, y, dy, dx, state: unless_none(dx, alternating(dy))),
    broken("is_deterministic", Noise, "seeds_no_generator",
           draw=lambda self, shape, state: np.random.default_rng().normal(size=shape)),
    broken("is_deterministic", Doubled, "warms_up", forward=lambda self, x, y, state:
           np.multiply(x, 2 - 2 / (1 + count(self)), out=y)),
    broken("has_no_side_effects", Noise, "draws_globally",
           draw=lambda self, shape, state: np.random.normal(size=shape)),
    broken("repeats_its_predictions", Noise, "is_noisy_in_evaluation",
           forward=lambda self, x, y, state: np.add(x, self.draw(x.shape, state), out=y)),
    broken("repeats_its_predictions", Centered, "centers_what_it_evaluates",
           forward=lambda self, x, y, state: np.subtract(x, x.mean(axis=0), out=y)),
    broken("does_the_same_at_every_call", Doubled, "counts_its_calls",
           forward=lambda self, x, y, state: np.multiply(x, 2 + count(self) // 75, out=y)),
    broken("follows_its_schedules", Times, "keeps_the_first_factor", factor_now=lambda self, state:
           self.factor.rate(1, 1) if isinstance(self.factor, Schedule) else self.factor),
    broken("follows_its_schedules", Times, "takes_the_factor_in_evaluation",
           forward=lambda self, x, y, state: np.multiply(x, state.now.factor, out=y)),
    # declarations
    broken("takes_the_shapes_it_accepts", Doubled, "adds_a_feature",
           output_shape=lambda self, shape: (*shape[:-1], shape[-1] + 1)),
    broken("takes_the_shapes_it_accepts", Doubled, "refuses_everything", output_shape=refuse),
    (TakesMoreThanItCan, "takes_the_shapes_it_accepts"),
    broken("declares_what_the_graph_allocates", Doubled, "has_sizes_of_floats",
           output_shape=lambda self, shape: tuple(size / 1 for size in shape)),
    broken("declares_what_the_graph_allocates", Doubled, "forgets_itself",
           with_input_info=lambda self, inputs: None),
    broken("declares_what_the_graph_allocates", Doubled, "names_a_workspace_with_a_space",
           workspace=lambda self, shape: {"grad ": Workspace(shape)}),
    broken("declares_what_the_graph_allocates", Doubled, "penalizes_what_it_does_not_train",
           parameters=lambda self, shape: untrained(shape, PENALTY)),
    broken("makes_the_numpy_calls_it_declares", Doubled, "loops_over_features",
           forward=lambda self, x, y, state: [np.multiply(x, 2, out=y) for _ in range(x.size)]),
    broken("makes_the_numpy_calls_it_declares", Doubled, "declares_a_loop",
           numpy_calls=lambda self, shape: 40 * shape[0]),
    broken("backward_needs_is_true", Exponential, "needs_y", backward_needs=frozenset({"x"})),
    broken("takes_any_memory_order", Square, "reads_x_late", in_place=True,
           forward=lambda self, x, y, state: np.multiply(x, np.exp(x, out=y), out=y),
           fill_dx=lambda self, x, dy, dx: np.multiply(dy, np.exp(x) * (1 + x), out=dx)),
    broken("takes_any_memory_order", Square, "reads_dy_late", in_place=True,
           fill_dx=lambda self, x, dy, dx: np.multiply(np.multiply(2, x, out=dx), dy, out=dx)),
    broken("takes_no_dx", Doubled, "needs_dx",
           backward=lambda self, x, y, dy, dx, state: np.multiply(dy, 2, out=dx[...])),
    broken("stays_in_its_output_range", Exponential, "is_high", output_range=OutputRange(0, 1)),
    broken("stays_in_its_output_range", Exponential, "does_not_sum_to_one",
           output_range=OutputRange(0, 1, sums_to_one=True),
           forward=lambda self, x, y, state: np.divide(1, 1 + np.exp(-x), out=y),
           backward=lambda self, x, y, dy, dx, state: unless_none(dx, dy, y, 1 - y)),
    broken("stays_in_its_output_range", Doubled, "leaves_the_range_of_x", output_range="input"),
    broken("is_linear_if_it_says_so", Square, "is_not_linear", is_linear=True),
    broken("adds_its_inputs_if_it_says_so", Plus, "averages",
           forward=lambda self, x, y, state: np.mean(x, axis=0, out=y),
           backward=lambda self, x, y, dy, dx, state: [unless_none(d, dy / len(dx)) for d in dx]),
    broken("keeps_still_while_frozen", Centered, "follows_while_frozen"),
    broken("keeps_still_while_frozen", Centered, "is_wrong_while_frozen",
           uses_running_mean=lambda self, state: state.frozen or not state.training),
    (FollowsWhileMeasured, "measures_running_statistics"),
    # memory that it writes, shares or keeps
    broken("writes_every_output", Doubled, "forgets_y",
           forward=lambda self, x, y, state: np.multiply(x, 2)),
    broken("writes_every_output", Doubled, "forgets_dx",
           backward=lambda self, x, y, dy, dx, state: np.multiply(dy, 2)),
    broken("leaves_inputs_alone", Doubled, "writes_to_a_constant", **by_workspace(
        lambda shape: Workspace(shape, fill=0.0, constant=True))),
    broken("leaves_inputs_alone", Doubled, "doubles_dy", before=(
        "backward", lambda self, x, y, dy, dx, state: np.multiply(dy, 2, out=dy))),
    broken("leaves_inputs_alone", Doubled, "clips_x",
           before=("forward", lambda self, x, *_: np.clip(x, -100, 100, out=x))),
    broken("leaves_inputs_alone", Exponential, "clips_y_in_backward",
           before=("backward", lambda self, x, y, *_: np.clip(y, 0, 1e6, out=y))),
    broken("leaves_inputs_alone", Shift, "decays_its_parameter", before=(
        "forward", lambda self, x, y, state: np.multiply(state.shift, 0.9, out=state.shift))),
    broken("leaves_inputs_alone", Doubled, "rewrites_its_statistics_in_backward",
           parameters=lambda self, shape: untrained(shape),
           before=("backward", lambda self, x, y, dy, dx, state: state.mean.fill(0))),
    broken("keeps_uses_apart", Square, "keeps_x_in_the_module", before=("forward", keep_in_module),
           backward_needs=frozenset(),
           fill_dx=lambda self, x, dy, dx: np.multiply(dy, 2 * KEPT["x"], out=dx)),
    broken("has_no_side_effects", Square, "counts_on_its_class",
           before=("forward", count_on_the_class)),
    broken("uses_declared_state", Square, "sets_its_state", before=("forward", keep_on_state)),
    broken("uses_declared_state", Shift, "replaces_its_gradient",
           fill_gradient=lambda self, dy, state: setattr(state.grad, "shift", dy.sum(axis=0))),
)  # fmt: skip
