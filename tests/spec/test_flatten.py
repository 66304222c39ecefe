from __future__ import annotations

from declnet.spec.flatten import flatten, spec_differences


def test_layers_are_called_by_name_and_their_order_is_a_value():
    layers = [
        {"type": "dense", "units": 4},
        "relu",
        {"type": "dense", "units": 3, "name": "scores"},
        {"type": "dense", "units": 2},
        "relu",
    ]
    assert flatten({"model": {"layers": layers, "dtype": "float32"}}) == {
        "model.layers": "dense_1, relu_1, scores, dense_3, relu_2",
        "model.layers.dense_1.type": "dense",
        "model.layers.dense_1.units": 4,
        "model.layers.relu_1": "relu",
        "model.layers.scores.type": "dense",
        "model.layers.scores.units": 3,
        "model.layers.scores.name": "scores",
        "model.layers.dense_3.type": "dense",
        "model.layers.dense_3.units": 2,
        "model.layers.relu_2": "relu",
        "model.dtype": "float32",
    }
    assert flatten({"a": {"b": [True, {"c": 0.5}, [2]]}, "layers": [{"d": 1}], "model": {}}) == {
        "a.b.0": True,
        "a.b.1.c": 0.5,
        "a.b.2.0": 2,
        "layers.0.d": 1,
    }


def test_differences_are_written_as_a_spec_has_them():
    one = {"seed": 0, "loss": "huber", "training": {"epochs": 5, "shuffle": True}}
    other = {"seed": 0, "loss": "log_cosh", "training": {"epochs": 5, "shuffle": False, "a": 0.5}}
    assert spec_differences([one, other]) == {
        "loss": ['"huber"', '"log_cosh"'],
        "training.shuffle": ["true", "false"],
        "training.a": [None, "0.5"],
    }
    assert spec_differences([one, one]) == {}
