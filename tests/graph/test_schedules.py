"""Scheduled fields: their values at each step, in layers, optimizers and kernels."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Kernel, KernelCalls, Registry, parse_spec, run
from declnet.contracts.returned import BrokenContractError
from declnet.graph.kernels import Kernels
from declnet.graph.schedules import ScheduledValues
from declnet.graph.update import VectorUpdate
from declnet_plugins.standard.layers.dropout import Dropout
from declnet_plugins.standard.optimizers.adam import AdamW
from declnet_plugins.standard.schedules import Constant, Polynomial

FALLING = Polynomial(initial_rate=0.6, final_rate=0.2)


def test_scheduled_values_change_with_the_step_and_plain_numbers_do_not():
    schedules = ScheduledValues(total=4)
    plain, falling = schedules.of(Dropout(rate=0.3)), schedules.of(Dropout(rate=FALLING))
    rates = []
    for step in (1, 2, 3, 4):
        schedules.begin(step)
        rates.append((plain.rate, falling.rate, falling["rate"].tolist()))
    expected = [FALLING.rate(step, 4) for step in (1, 2, 3, 4)]
    assert rates == [(0.3, rate, [rate]) for rate in expected]
    filled = np.empty((4, len(schedules.arrays)), np.int64)
    schedules.fill(filled, 1)
    assert filled.view(float).tolist() == [[rate] for rate in expected]
    assert plain["rate"].tolist() == [0.3]


def with_dropout(document, rate, **training):
    first, relu, *rest = document["model"]["layers"]
    layers = [first, relu, {"type": "dropout", "rate": rate}, *rest]
    document["model"]["layers"] = layers
    document["training"] |= training
    return document


def weights_of(spec):
    return run(spec).model.store.vector


@pytest.mark.parametrize("batch_size", [None, 7])
def test_a_constant_schedule_gives_the_bits_of_a_plain_number(document, changed, batch_size):
    document = with_dropout(document, 0.25, epochs=4)
    if batch_size:
        document["training"]["batch_size"] = batch_size
    document["optimizer"] = {"type": "adamw", "weight_decay": 0.1}
    scheduled = {"type": "constant", "value": 0.25}, {"type": "constant", "value": 0.1}
    keys = ("model.layers.2.rate", "optimizer.weight_decay")
    number = weights_of(parse_spec(document))
    constant = weights_of(parse_spec(changed(document, dict(zip(keys, scheduled, strict=True)))))
    assert (number == constant).all()


class Steady(Kernel):
    """AdamW's step for a constant weight decay of 0."""

    type = "steady"
    replaces = (AdamW,)

    def bind(self, site):
        return KernelCalls(update=(lambda: None,))


class Following(Steady):
    """Decay by the weight decay of each step."""

    type = "following"
    reads_schedules = True

    def bind(self, site):
        def update():
            np.multiply(site.w, 1 - site.rate * site.state.now.weight_decay, out=site.w)

        return KernelCalls(update=(update,))


@pytest.mark.parametrize(
    ("kernel", "decay", "is_used"),
    [(Steady, 0.1, True), (Steady, FALLING, False), (Following, FALLING, True)],
)
def test_only_a_kernel_that_reads_schedules_replaces_a_scheduled_component(kernel, decay, is_used):
    registry = Registry()
    registry.register(kernel)
    kernels, w = Kernels(registry), np.ones(3)
    optimizer = AdamW(learning_rate=0.1, weight_decay=decay)
    update = VectorUpdate(optimizer, w, np.zeros(3), 5, kernels)
    assert bool(kernels.used) == is_used
    if is_used == (kernel is Following):
        update.apply(0.1, 1)
        update.apply(0.1, 2)
        np.testing.assert_allclose(w, (1 - 0.06) * (1 - 0.1 * FALLING.rate(2, 5)), rtol=1e-12)


def test_an_error_for_a_value_out_of_range_names_the_schedule():
    optimizer = AdamW(weight_decay=Constant(value=1.0))
    VectorUpdate(optimizer, np.ones(3), np.zeros(3), 5).apply(0.001, 1)
    schedules = ScheduledValues(9)
    schedules.of(Dropout(rate=Constant(value=1.0)))
    with pytest.raises(BrokenContractError) as caught:
        schedules.begin(4)
    assert str(caught.value) == (
        'schedule "constant": rate() returned 1.0, not at least 0 and less than 1, as rate must be '
        "(step 4)"
    )
