"""A spec's preference, which applies to names in the spec and within its layers."""

from __future__ import annotations

import pytest

import declnet
from declnet import SpecError, build_model, parse_spec, run
from declnet.training.checks.check import check_spec
from declnet_plugins.editors.schema import json_schema

from ..waves import OTHER, WAVE, level, wave


@pytest.fixture
def registry():
    """Two distributions offer the initializer that the layer names."""
    registry = declnet.discover()
    registry.register(wave(1), WAVE)
    registry.register(level(1), WAVE)
    registry.register(level(2), OTHER)
    return registry


@pytest.fixture
def waving(document):
    document["model"]["layers"][1] = "wave"
    return document


GAINS = pytest.mark.parametrize(("listed", "gain"), [("declnet-wave", 1), ("other-wave", 2)])


@GAINS
def test_names_within_layers_follow_the_spec_that_the_model_is_of(registry, waving, listed, gain):
    spec = parse_spec(waving, registry.preferring([listed]))
    for used in (registry, registry.preferring([listed])):
        model = build_model(spec.model, (2,), registry=used)
        assert model.parameters()["wave_1.gain"].tolist() == [gain] * 4
    assert spec.model.model_copy().preferred == (listed,)


@GAINS
def test_every_fold_follows_the_preference(registry, waving, listed, gain, tmp_path):
    waving["data"]["folds"] = 3
    view = registry.preferring([listed])
    done = run(parse_spec(waving, view), out=tmp_path / "folds", registry=view)
    gains = [member.model.parameters()["wave_1.gain"].tolist() for member in done.members]
    assert gains == [[gain] * 4] * 3


def test_an_ambiguous_name_within_a_layer_is_an_error_at_the_layer(registry, waving):
    spec = parse_spec(waving, registry)
    with pytest.raises(SpecError) as caught:
        build_model(spec.model, (2,), registry=registry)
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("E009", ("model", "layers", 1))
    assert problem.message == (
        '"wave_1": parameter gain: initializer type "level" is offered by declnet-wave 1.0 and '
        "other-wave 2.0"
    )
    assert problem.help == 'list the one to use, e.g. plugins = ["declnet-wave"]'
    assert [error.message for error in check_spec(spec, registry).errors] == [problem.message]


def test_the_schema_takes_any_keys_of_a_type_that_several_distributions_offer(registry):
    """The valid keys depend on the distributions that a spec lists."""
    registry.register(type("Dense", (wave(1),), {"type": "dense", "__annotations__": {}}), OTHER)
    definitions = json_schema(registry)["definitions"]
    assert definitions["initializer.level"]["description"].endswith("and other-wave 2.0")
    for name in ("initializer.level", "layer.dense"):
        assert "properties" not in definitions[name]
        assert definitions[name].get("additionalProperties", True) is True
    assert {"level", "zeros"} <= set(definitions["initializer-types"]["enum"])
    assert "properties" in definitions["layer.wave"]
