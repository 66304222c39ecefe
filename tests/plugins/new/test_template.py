"""Templates: the requirements of their contract, and the specs they write for tables."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import OutputError, Registry, RegistryError, Table, default_registry, parse_spec, run
from declnet.contracts.returned import BrokenContractError
from declnet_plugins.new import TableProfile, Template


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    size = rng.normal(size=60)
    columns = {
        "size": size,
        "same": np.ones(60),
        "city": np.array(["Ulm", "Rome", None] * 20, object),
        "large": np.where(size > 0, "yes", "no").astype(object),
        "price": 3 * size + 1,
    }
    features = ("size", "same", "city")
    return Table(columns, "large", features, classes={"large": ("maybe", "no", "yes")})


def test_the_default_preset_leaves_useless_columns_out_and_knows_all_classes(table):
    written = Template.write_spec(table, {"large": "classes"}, default_registry())
    assert written.features == ("size", "city")
    assert "train" not in written.document["data"]
    used = Table(table.columns, "large", written.features, classes=table.classes)
    result = run(parse_spec(written.document, overrides={"training.epochs": 20}), used)
    assert result.model.output_shape == (3,)
    assert result.metrics["validation"]["accuracy"] > 0.8


class OneTarget(Template):
    """A preset for one target."""

    type = "one_target"

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return nothing."""
        return ""


def test_several_targets_need_a_preset_that_takes_them(table):
    tasks = {"large": "classes", "price": "values"}
    written = Template.write_spec(table, tasks, default_registry())
    assert list(written.document["losses"]) == ["large", "price"]
    registry = Registry()
    registry.register(OneTarget)
    with pytest.raises(OutputError, match='preset "one_target" takes one target, not 2'):
        Template.write_spec(table, tasks, registry, "one_target")
    with pytest.raises(OutputError, match='template "images" does not write specs for tables'):
        Template.write_spec(table, tasks, default_registry(), "images")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[data.train]\ntype = "passed"\ntarget = "large"\npath = "\n', "returned invalid TOML"),
        ('[data.train]\ntype = "passed"\ntarget = "price"', "data.train.target is 'price', not"),
        (
            '[data.train]\ntype = "passed"\ntarget = "large"\nfeatures = ["size", "$${x}"]',
            r"feature '\$\{x\}', which the table does not have",
        ),
        (
            "[data]  # \u202e\ntrain = 'a\u202e'",
            "control characters that are not in a basic string",
        ),
    ],
)
def test_a_spec_that_reads_other_data_is_refused(table, text, message):
    class Careless(Template):
        type = "careless"

        def spec_for_table(self, table, registry):
            return text

    registry = Registry()
    registry.register(Careless)
    with pytest.raises(BrokenContractError, match=message):
        Template.write_spec(table, {"large": "binary"}, registry, "careless")


def test_a_template_that_writes_nothing_is_refused_at_registration():
    class Nothing(Template):
        """Nothing."""

        type = "nothing"

    with pytest.raises(RegistryError, match=r"neither spec\(\) nor spec_for_table\(\)"):
        Registry().register(Nothing)
