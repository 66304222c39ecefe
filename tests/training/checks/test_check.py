"""All checks together: weights, the components' own, and what is known of wrong specs."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from declnet import (
    Callback,
    Dataset,
    Diagnostic,
    Registry,
    SpecError,
    default_registry,
    parse_spec,
)
from declnet.contracts.data.data_source import DataInfo
from declnet.spec.validate import read_spec
from declnet.training.checks.check import check_parsed, check_spec
from declnet_standard.data import NPZ
from declnet_standard.layers import Dense
from declnet_standard.losses import CategoricalCrossentropy
from declnet_standard.metrics import Accuracy
from declnet_standard.optimizers import SGD
from declnet_standard.regularizers import L2
from declnet_standard.schedules import Constant


@pytest.fixture
def weights(tmp_path, document):
    """Write the document's initial weights."""
    document["model"]["initial_weights"] = str(tmp_path / "w.safetensors")

    def write(**shapes):
        arrays = {name.replace("__", "."): np.zeros(shape) for name, shape in shapes.items()}
        save_file(arrays, tmp_path / "w.safetensors")

    return write


RIGHT = {
    "dense_1__weights": (2, 4),
    "dense_1__biases": (4,),
    "dense_2__weights": (4, 3),
    "dense_2__biases": (3,),
}


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({}, None),
        ({"other__biases": (3,)}, ["other.biases is not in the model"]),
        (
            {"dense_1__weights": (2, 9), "dense_2__biases": None},
            [
                "dense_1.weights has shape (2, 9), the model's has (2, 4)",
                "dense_2.biases is missing",
            ],
        ),
    ],
)
def test_weights_that_do_not_fit_are_told_all_at_once(
    problems, document, weights, changes, messages
):
    weights(**{name: shape for name, shape in (RIGHT | changes).items() if shape is not None})
    found = problems(document)
    assert len(found) == (messages is not None)
    for message in messages or ():
        assert message in found[0]


def test_where_the_model_is_wrong_too_only_the_file_is_looked_at(check_wrong, document, weights):
    weights(other=(3,))
    document["model"]["layers"][0]["units"] = "many"
    assert [each.code for each in check_wrong(document).problems] == []
    document["model"]["initial_weights"] = "/absent.safetensors"
    assert [each.code for each in check_wrong(document).problems] == ["E050"]


class Silent(Callback):
    """Does nothing."""


WATCHED = {
    "layer": Dense,
    "regularizer": L2,
    "data_source": NPZ,
    "loss": CategoricalCrossentropy,
    "optimizer": SGD,
    "schedule": Constant,
    "metric": Accuracy,
    "callback": Silent,
}


@pytest.fixture
def asked():
    """What each check was asked: the component's kind, the context."""
    return []


@pytest.fixture
def findings():
    """What each check is to find, by the component's kind: made from the context."""
    return {}


@pytest.fixture
def registry(asked, findings):
    """All that is installed, and of each kind a component `watched`."""

    def check(self, context):
        asked.append((self.kind, context))
        return findings.get(self.kind, lambda _outline: ())(context)

    own = Registry()
    for entry in default_registry().entries():
        own.register(entry.component, entry.plugin)
    for base in WATCHED.values():
        space = {"type": "watched", "check": check, "__module__": __name__, "__annotations__": {}}
        own.register(type("Watched", (base,), space))
    return own


@pytest.fixture
def watched(document):
    """A document of which every kind is watched, and a layer below the watched one."""
    document["data"]["train"]["type"] = "watched"
    document["model"]["layers"][2] = {
        "type": "watched",
        "units": 3,
        "name": "scores",
        "weight_regularizer": {"type": "watched", "strength": 0.1},
    }
    document["loss"] = "watched"
    rate = {"type": "watched", "value": 0.1}
    document["optimizer"] = {"type": "watched", "learning_rate": rate}
    document["training"] |= {"metrics": ["accuracy", "watched"], "callbacks": ["watched"]}
    document["training"]["metrics"][1] = {"type": "watched", "name": "other"}
    return document


def test_each_component_is_asked_once_also_those_in_fields_of_others(
    problems, watched, registry, asked
):
    assert problems(watched, registry) == []
    assert sorted(kind for kind, _ in asked) == sorted(WATCHED)


def test_all_see_the_run_and_layers_their_own_place(problems, watched, registry, asked):
    problems(watched, registry)
    for kind, context in asked:
        assert [each.name for each in context.layers] == [
            "dense_1",
            "relu_1",
            "scores",
            "softmax_1",
        ]
        assert context.last.output_shape == (3,)
        assert context.data["train"].samples == 30
        assert (context.loss.type, context.optimizer.type) == ("watched", "watched")
        if kind in ("layer", "regularizer"):
            assert context.here is context.layers[2]
            assert context.here.inputs == (context.layers[1],)
            assert context.here.input_shapes == ((4,),)
        else:
            assert context.here is None
    assert asked[0][1].layers[0].inputs == (None,)


@pytest.mark.parametrize(
    ("kind", "key", "path"),
    [
        ("layer", ("units",), "model.layers.2.units"),
        ("layer", (), "model.layers.2"),
        ("regularizer", ("strength",), "model.layers.2.weight_regularizer.strength"),
        ("data_source", ("path",), "data.train.path"),
        ("loss", (), "loss"),
        ("optimizer", ("momentum",), "optimizer.momentum"),
        ("schedule", ("value",), "optimizer.learning_rate.value"),
        ("metric", (), "training.metrics.1"),
        ("callback", (), "training.callbacks.0"),
    ],
)
def test_findings_are_told_at_their_key_with_their_code(
    problems, watched, registry, findings, kind, key, path
):
    odd = [Diagnostic("this is odd", "mend it", key, code) for code in ("E042", "W060")]
    findings[kind] = lambda _outline: odd
    assert problems(watched, registry) == [
        f"{path}: error[E042]: this is odd (mend it)",
        f"{path}: warning[W060]: this is odd (mend it)",
    ]


def test_a_finding_may_concern_a_layer_or_a_data_set(problems, watched, registry, findings):
    findings["loss"] = lambda context: [
        Diagnostic("a", path=("units",), layer=context.layers[0]),
        Diagnostic("b", layer=context.last),
        Diagnostic("c", data="train"),
        Diagnostic("d", path=("type",), data="train"),
    ]
    assert [line.split(":")[0] for line in problems(watched, registry)] == [
        "model.layers.0.units",
        "model.layers.3",
        "data.train.path",
        "data.train.type",
    ]


def test_of_a_wrong_spec_what_is_known_is_seen(check_wrong, watched, registry, asked):
    watched["model"]["layers"][0] = {"type": "dense", "units": "many"}
    watched["optimizer"] = "nope"
    check_wrong(watched, registry)
    assert sorted(kind for kind, _ in asked) == ["callback", "data_source", "loss", "metric"]
    for _, context in asked:
        assert (context.layers, context.optimizer, context.here) == ((), None, None)
        assert context.loss.type == "watched"


def test_a_layer_below_others_that_are_right_is_asked_though_one_below_is_wrong(
    check_wrong, watched, registry, asked
):
    watched["model"]["layers"][3] = {"type": "softmax", "nope": 1, "inputs": "dense_1"}
    check_wrong(watched, registry)
    layer = next(context for kind, context in asked if kind == "layer")
    assert layer.here.name == "scores"
    assert layer.layers == ()


def test_a_component_with_a_fault_of_its_own_is_not_asked(check_wrong, watched, registry, asked):
    watched["model"]["layers"][2]["weight_regularizer"]["strength"] = -1
    check_wrong(watched, registry)
    assert not {"layer", "regularizer"} & {kind for kind, _ in asked}


LINEAR = {"type": "linear"}


def test_a_spec_that_fits_has_no_problems_and_tells_its_shapes_and_its_memory(document):
    checked = check_spec(parse_spec(document))
    assert checked.problems == checked.errors == checked.warnings == ()
    assert [node.output_shape for node in checked.nodes] == [(4,), (4,), (3,), (3,)]
    assert checked.data["train"].samples == 30
    assert checked.memory["parameters"] == 27 * 8
    checked.require_right()


def test_errors_keep_a_run_from_starting_and_warnings_do_not(document):
    document["model"]["layers"][1] = LINEAR
    checked = check_spec(parse_spec(document))
    assert [each.code for each in checked.warnings] == ["W003"]
    assert checked.errors == ()
    checked.require_right()
    document["model"]["layers"][2]["units"] = 2
    checked = check_spec(parse_spec(document))
    assert sorted(each.code for each in checked.problems) == ["E040", "W003"]
    with pytest.raises(SpecError) as caught:
        checked.require_right()
    assert [each.code for each in caught.value.problems] == ["E040"]


def test_data_that_a_program_hands_over_count_in_place_of_the_specs(document):
    del document["data"]
    data = Dataset(np.ones((7, 5)), np.arange(7) % 3)
    checked = check_spec(parse_spec(document), data={"train": data})
    assert checked.problems == ()
    assert checked.nodes[0].input_shapes == ((5,),)
    assert checked.data == {"train": DataInfo.of(data.x, data.y)}


def test_a_layer_whose_only_fault_is_an_unknown_key_takes_part(check_wrong, document):
    document["model"]["layers"] = [
        {"type": "dense", "units": 4, "unit": 4},
        {"type": "conv2d", "filters": 2, "kernel_size": 3, "inputs": ["dense_1"]},
        "softmax",
    ]
    checked = check_wrong(document)
    assert [(each.code, each.path) for each in checked.problems] == [
        ("E022", ("model", "layers", 1))
    ]
    assert "(4,)" in checked.problems[0].message + checked.problems[0].help
    assert checked.nodes == ()


def test_nobody_below_a_wrong_layer_is_blamed_for_it(check_wrong, document):
    document["model"]["layers"][0] = {"type": "dense", "units": "many"}
    document["model"]["layers"].insert(2, {"type": "relu", "inputs": ["relu_9"]})
    checked = check_wrong(document)
    assert [(each.code, each.path) for each in checked.problems] == [
        ("E020", ("model", "layers", 2, "inputs", 0))
    ]
    assert checked.memory is None


@pytest.mark.parametrize("part", ["loss", "optimizer", "data", "training"])
def test_without_a_part_the_others_are_checked(check_wrong, document, part):
    document["model"]["layers"].insert(0, {"type": "relu", "inputs": ["nowhere"]})
    document[part] = 3
    assert "E020" in [each.code for each in check_wrong(document).problems]


def test_without_layers_there_is_nothing_to_check(check_wrong, document):
    document["model"] = 3
    checked = check_wrong(document)
    assert (checked.problems, checked.nodes, checked.memory) == ((), (), None)


def test_faults_of_form_and_of_fit_come_in_the_order_of_the_file(tmp_path):
    (tmp_path / "spec.toml").write_text("""\
declnet = 1
[model]
layers = [
  { type = "dense", units = 2 },
  { type = "softmax", axis = 1 },
]
[loss]
type = "categorical_crossentropy"
label_smoothing = 3
[optimizer]
type = "sgd"
[data]
train = { type = "nnfs_spiral", samples = 10, classes = 3 }
validation = 0.001
[training]
epochs = "ten"
batch_size = 31
""")
    checked = check_parsed(read_spec(tmp_path / "spec.toml"), default_registry())
    assert [(each.place.line, each.code) for each in checked.problems] == [
        (5, "E010"),
        (9, "E013"),
        (14, "E033"),
        (16, "E012"),
    ]


def test_without_the_machines_memory_nothing_is_too_large(document, monkeypatch):
    monkeypatch.setattr("declnet.contracts.memory.machine_memory", lambda: 1000)
    assert [each.code for each in check_spec(parse_spec(document)).problems] == ["E051"]
    monkeypatch.setattr("declnet.contracts.memory.machine_memory", lambda: None)
    assert check_spec(parse_spec(document)).problems == ()
