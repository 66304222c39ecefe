"""All checks together: their order, and what is known of wrong specs."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Dataset, SpecError, default_registry, parse_spec
from declnet.contracts.data.data_source import DataInfo
from declnet.spec.validate import read_spec
from declnet.training.checks.check import check_parsed, check_spec

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
