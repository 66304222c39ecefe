"""Templates that write what `declnet new` cannot use."""

from declnet import Template

from .expected import caught_by


@caught_by("writes_a_valid_example")
class NamesNoInstalledLayer(Template):
    """An example with a layer that is not installed."""

    def spec(self):
        return SPEC.replace("relu", "no_such_layer")


@caught_by("writes_a_valid_example")
class WritesNoToml(Template):
    """An example that is not TOML."""

    def spec(self):
        return "declnet: 1"


@caught_by("writes_valid_specs_for_tables")
class HasTwoOutputs(Template):
    """Two outputs for one target."""

    def spec_for_table(self, table, registry):
        return SPEC.replace("units = 1", "units = 2")


@caught_by("writes_valid_specs_for_tables")
class OverlooksText(Template):
    """Standardizes columns of text."""

    def spec_for_table(self, table, registry):
        columns = [each.name for each in table.features]
        return SPEC.replace('"standardize"', f'{{ type = "standardize", columns = {columns} }}')


SPEC = """
declnet = 1

[data]
prepare = ["standardize"]

[model]
layers = [{ type = "dense", units = 4 }, "relu", { type = "dense", units = 1 }]

[loss]
type = "mean_squared_error"

[optimizer]
type = "adam"

[training]
epochs = 1
"""
