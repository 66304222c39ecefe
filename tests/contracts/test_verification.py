"""Requirements that a component class must meet to be registered."""

from __future__ import annotations

import warnings
from typing import Annotated

import pytest

from declnet import Callback, Layer, Loss, Metric, Registry, RegistryError, Schedule, Scheduled
from declnet.spec.heads import RESERVED
from declnet_plugins.new import Template
from declnet_plugins.standard.layers.activations import ReLU
from declnet_plugins.standard.losses.regression import MeanSquaredError
from declnet_plugins.standard.metrics.classification import Accuracy
from declnet_plugins.standard.optimizers.sgd import SGD
from declnet_plugins.standard.transforms.scaling import Standardize


class Half(Layer):
    """y = x / 2."""

    type = "half"

    def forward(self, x, y, state): ...

    def backward(self, x, y, dy, dx, state): ...


def refusal(body, *bases, warns=None):
    """Return why a class with this body cannot be registered."""
    body = {"__module__": __name__, "__qualname__": "Wrong", "type": "wrong", **body}
    if warns is not None:
        with pytest.warns(UserWarning, match=warns):
            cls = type("Wrong", bases or (Half,), body)
    else:
        cls = type("Wrong", bases or (Half,), body)
    with pytest.raises(RegistryError) as caught:
        Registry().register(cls)
    return str(caught.value)


@pytest.mark.parametrize(
    ("base", "name", "annotation"),
    [
        (ReLU, "inputs", int),
        (ReLU, "name", int | None),
        (ReLU, "trainable", float),
        (ReLU, "weights_from", tuple[str, ...]),
        (ReLU, "repeat", int),
        (ReLU, "layers", tuple[str, ...]),
        *((MeanSquaredError, key, float) for key in RESERVED),
        (SGD, "groups", int),
        (SGD, "parameters", int),
        (SGD, "learning_rate_factor", float),
        (SGD, "learning_rate", str),
        (Standardize, "columns", int),
        (Accuracy, "name", int),
        *((ReLU, name, int) for name in ("model_copy", "known_key", "other_keys")),
    ],
)
def test_a_field_that_means_something_else_in_a_spec_is_refused(base, name, annotation):
    body = {"__module__": __name__, "__annotations__": {name: annotation}, "type": "odd"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        odd = type("Odd", (base,), body)
    reason = "a name that every layer" if hasattr(base, name) else r".*\("
    with pytest.raises(RegistryError, match=f"Odd has a field {name}, {reason}"):
        Registry().register(odd)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("backward_needs", {"x", 1}, "a set of str"),
        ("in_place", 1, "must be True or False"),
        ("memory_order", "rows", '"batch_last", "batch_first" or "any"'),
        ("input_dtype", None, '"float" or "integer"'),
        ("input_dtype", ("float", "text"), '"float" or "integer" or a tuple of "float"'),
        ("n_inputs", "many", "an integer or None"),
        ("example_shapes", [(3,)], "a tuple of"),
        ("examples", {}, "a tuple of"),
        ("output_range", (0, 1), 'OutputRange, "input" or None'),
        ("is_linear", "no", "must be True or False"),
    ],
)
def test_a_trait_has_one_of_its_values(name, value, expected):
    message = refusal({name: value})
    assert message.startswith(f"Wrong.{name} is {value!r}, but must be ")
    assert expected in message


@pytest.mark.parametrize(
    ("contract", "name", "value"),
    [
        (Loss, "takes", "anything"),
        (Loss, "targets", None),
        (Metric, "better", "smaller"),
        (Template, "default_for", "tables"),
        (Template, "requires", "scikit-learn"),
    ],
)
def test_traits_of_other_contracts_are_checked_too(contract, name, value):
    methods = dict.fromkeys(contract.required_methods, lambda *_: None)
    assert f"Wrong.{name} is {value!r}" in refusal({**methods, name: value}, contract)


def test_a_scheduled_field_needs_a_contract_that_gets_its_values():
    field = Annotated[float | Schedule, Scheduled(ge=0)]
    methods = dict.fromkeys(Loss.required_methods, lambda *_: None)
    message = refusal({**methods, "__annotations__": {"share": field}, "share": 0.1}, Loss)
    assert message == "Wrong.share is Scheduled, but only fields of a layer or optimizer can be"


def test_a_method_that_lacks_an_argument_is_refused():
    def rate(self, step):
        return 0.1

    message = refusal({"rate": rate}, Schedule)
    assert message == "Wrong.rate() takes (step), but a schedule is called with (step, total)"


def test_further_arguments_with_defaults_are_valid():
    class More(Schedule):
        type = "more"

        def rate(self, step, total=1, *, extra=2):
            return 0.1

    class Any(Callback):
        type = "any"

        def epoch_finished(self, *arguments): ...

    registry = Registry()
    registry.register(More)
    registry.register(Any)


def test_the_rate_field_of_a_schedule_must_exist():
    body = {"rate_field": "rat", "rate": lambda self, step, total: 0.1}
    assert refusal(body, Schedule) == ('Wrong.rate_field is "rat", but Wrong has no such field')
