"""Initializers, regularizers, optimizers and schedules that break their contract."""

from typing import Annotated

import numpy as np

from declnet import Initializer, Schedule, Scheduled

from ..right.others import Averaged, Descent, Smoothed, Squares
from .broken import broken
from .layers import count, count_on_the_class

REMEMBERED = []
"""State that a regularizer keeps in its module."""


class Normal(Initializer):
    """w ~ N(0, 1)."""

    type = "standard_normal"

    def fill(self, w, rng, fan_in, fan_out):
        w[...] = rng.normal(size=w.shape)


class Falling(Schedule):
    """rate = 1 / step."""

    type = "falling"

    def rate(self, step, total):
        return 1 / step


def replaced_momentum(self, w, dw, state, rate, step):
    state.momentum = getattr(state, "momentum", 0) / 2 + dw
    w -= rate * state.momentum


def shrinking_as_at_the_end(self, w, dw, state, rate, step):
    last = self.shrink.rate(99, 99) if isinstance(self.shrink, Schedule) else self.shrink
    w -= rate * (dw + last * w)


def subtracting(term):
    """Return the update of an optimizer that subtracts a term."""
    return lambda self, w, dw, state, rate, step: np.subtract(w, term(w, dw, rate), out=w)


INITIALIZERS = (
    broken("writes_every_output", Normal, "leaves_the_last_row", fill=lambda self, w, rng, *_:
           np.copyto(w[:-1], rng.normal(size=w[:-1].shape))),
    broken("writes_every_output", Normal, "adds_noise", fill=lambda self, w, rng, *_:
           np.add(w, rng.normal(size=w.shape), out=w)),
    broken("is_deterministic", Normal, "ignores_its_stream", fill=lambda self, w, *_:
           np.copyto(w, np.random.default_rng().normal(size=w.shape))),
    broken("is_deterministic", Normal, "adapts_by_chance", adapt=lambda self, w, *_:
           np.divide(w, 1 + np.random.default_rng().random(), out=w)),
    broken("has_no_side_effects", Normal, "draws_globally", fill=lambda self, w, *_:
           np.copyto(w, np.random.standard_normal(w.shape))),
    broken("fills_alike_in_both_float_types", Normal, "adapts_to_no_spread",
           fill=lambda self, w, *_: w.fill(0), adapt=lambda self, w, x, forward, rng:
           np.divide(w, (forward() - x.mean() * (w.ndim == 1)).std(), out=w)),
    broken("fills_alike_in_both_float_types", Normal, "adapts_to_the_spread_of_one_sample",
           adapt=lambda self, w, x, forward, rng: np.divide(w, forward().std(axis=0).max(), out=w)),
    broken("works_with_usual_data", Normal, "fills_no_wide_matrix", fill=lambda self, w, rng, *_:
           np.copyto(w, np.linalg.qr(rng.normal(size=w.shape))[0] if w.ndim > 1 else 0)),
    broken("draws_from_its_stream", Normal, "has_a_seed_of_its_own", fill=lambda self, w, rng, *_:
           np.copyto(w, np.random.default_rng(5).uniform(-1, 1, w.shape) / len(w))),
)  # fmt: skip

REGULARIZERS = (
    broken("adds_to_the_gradient", Squares, "overwrites_the_gradient",
           add_gradient=lambda self, w, dw: np.multiply(w, 2 * self.strength, out=dw)),
    broken("gradient_of_penalty", Squares, "halves_the_gradient",
           add_gradient=lambda self, w, dw: np.add(dw, self.strength * w, out=dw)),
    broken("leaves_inputs_alone", Squares, "shrinks_the_weights",
           before=("add_gradient", lambda self, w, dw: np.multiply(w, 0.9, out=w))),
    broken("leaves_inputs_alone", Squares, "clips_the_weights",
           before=("penalty", lambda self, w: np.clip(w, -1e9, 1e9, out=w))),
    broken("frees_its_memory", Squares, "remembers_its_weights",
           penalty=lambda self, w: REMEMBERED.append(w.copy()) or Squares.penalty(self, w)),
    broken("strength_zero_does_nothing", Squares, "is_never_off",
           penalty=lambda self, w: (self.strength + 0.01) * float(np.sum(w * w)),
           add_gradient=lambda self, w, dw: np.add(dw, 2 * (self.strength + 0.01) * w, out=dw)),
    broken("gradient_of_penalty", Squares, "forgets_its_center",
           __annotations__={"center": float}, center=0.0,
           penalty=lambda self, w: self.strength * float(np.sum((w - self.center) ** 2))),
    broken("sums_large_parameters", Squares, "sums_one_after_the_other",
           penalty=lambda self, w: self.strength * float(np.cumsum(w * w)[-1])),
    broken("stays_finite", Squares, "is_undefined_at_zero",
           penalty=lambda self, w: self.strength * float(np.sum(np.abs(w) ** 1.5)),
           add_gradient=lambda self, w, dw: np.add(dw, 0.15 * np.abs(w) ** 1.5 / w, out=dw)),
)  # fmt: skip

OPTIMIZERS = (
    broken("parts_equal_the_whole", Descent, "clips_the_norm", update=subtracting(
           lambda w, dw, rate: rate * dw * min(1, 300 / (float(np.linalg.norm(dw)) + 1e-7)))),
    broken("keeps_uses_apart", Descent, "counts_steps",
           update=subtracting(lambda w, dw, rate: rate / count(w) ** 0.5 * dw)),
    broken("uses_declared_state", Descent, "declares_no_momentum", update=replaced_momentum),
    broken("uses_declared_state", Descent, "replaces_its_momentum", update=replaced_momentum,
           state_names=lambda self: ("momentum",)),
    *(broken("works_with_usual_data", Descent, f"names_a_{name.split()[0]}",
             state_names=lambda self, name=name: (name,))
      for name in ("running mean", "lambda", "scratch")),
    broken("descends", Descent, "ascends", update=subtracting(lambda w, dw, rate: -rate * dw)),
    broken("rests_without_gradients_or_rate", Descent, "ignores_the_rate",
           update=subtracting(lambda w, dw, rate: 0.1 * dw)),
    broken("evaluates_what_it_starts_from", Averaged, "evaluates_the_difference",
           evaluated=lambda self, w, state: state.ahead.copy()),
    broken("parts_equal_the_whole", Averaged, "evaluates_the_sum",
           evaluated=lambda self, w, state: w - state.ahead.mean()),
    broken("gives_the_same_rates_together", Descent, "halves_single_rates",
           rate=lambda self, step, total: Descent.rate(self, step, total) / 2,
           rates=lambda self, steps, total: 2 * Descent.rates(self, steps, total)),
    broken("follows_its_schedules", Descent, "shrinks_as_at_the_end",
           __annotations__={"shrink": Annotated[float | Schedule, Scheduled(ge=0, lt=1)]},
           shrink=0.01, update=shrinking_as_at_the_end),
    broken("rests_without_gradients_or_rate", Descent, "moves_without_a_gradient",
           update=subtracting(lambda w, dw, rate: rate * (dw - 0.1 * np.sign(w)))),
    broken("takes_gradients_that_never_change", Smoothed, "corrects_by_another_power",
           update=lambda self, w, dw, state, rate, step:
           Smoothed.update(self, w, dw, state, rate / (1 - 0.99**step) * (1 - 0.9**step), step)),
    broken("survives_zero_gradients", Descent, "divides_by_zero",
           update=subtracting(lambda w, dw, rate: rate * dw / np.abs(dw))),
)  # fmt: skip

SCHEDULES = (
    broken("keeps_uses_apart", Falling, "falls_at_each_call", rate=lambda self, step, total:
           1 / count(self)),
    broken("has_no_side_effects", Falling, "counts_on_its_class",
           before=("rate", count_on_the_class)),
    broken("rates_are_right", Falling, "falls_below_zero", rate=lambda self, step, total:
           1 - step / 5000),
    broken("rates_are_right", Falling, "ends_below_zero", rate=lambda self, step, total:
           0.1 - step * (0.1 / total)),
    broken("fits_trainings_of_any_length", Falling, "warms_up_for_1000_steps",
           rate=lambda self, step, total: min(1.0, step / 1000)),
    broken("rates_are_right", Falling, "overflows", rate=lambda self, step, total: 1.01**step),
    broken("rates_are_right", Falling, "gives_nothing_after_100", rate=lambda self, step, total:
           0.1 if step <= 100 else None),
)  # fmt: skip

BROKEN = INITIALIZERS + REGULARIZERS + OPTIMIZERS + SCHEDULES
