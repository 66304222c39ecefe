"""The kit raises no false alarm on components that are right, of many sorts."""

from pydantic import Field

from declnet.testing import check_component, checks_for, component_tests

from .right import RIGHT, data, layers, trained_layers

test_components = component_tests(RIGHT)


def skipped(cls):
    report = check_component(cls)
    return {outcome.check: outcome.message for outcome in report.skipped}


def test_a_layer_that_inherits_its_output_shape_is_warned_of_shapes_that_fail():
    reason = skipped(trained_layers.VectorScale)["takes_the_shapes_it_accepts"]
    assert "(3, 4)" in reason
    assert "output_shape" in reason


def test_a_layer_of_integers_has_its_parameters_gradient_checked():
    reasons = skipped(trained_layers.Lookup)
    assert "gradient_of_inputs" in reasons
    assert "gradient_of_parameters" not in reasons


def test_data_that_is_not_there_is_skipped_with_the_reason():
    assert "no such folder" in skipped(data.FromAFolder)["loads_what_it_describes"]


def test_a_field_without_a_description_is_skipped_not_failed():
    class Bare(layers.Rectifier):
        """y = max(x, 0)."""

        type = "bare"
        slope: float = 0.0
        other: float = Field(default=0.0, description="described")

    assert "slope" in skipped(Bare)["describes_its_fields"]
    assert "other" not in skipped(Bare)["describes_its_fields"]


def test_every_check_has_a_sentence_and_a_name_of_its_own():
    for kind in {cls.kind: cls for cls in RIGHT}.values():
        checks = checks_for(kind)
        assert len({check.name for check in checks}) == len(checks)
        assert all(check.summary.endswith(".") for check in checks)
