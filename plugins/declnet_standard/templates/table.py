"""The template for tables: an example, and a spec tailored to any table."""

from declnet import DataError, Registry, TableProfile
from declnet_standard.templates.examples import SCIKIT_LEARN, ExampleTemplate
from declnet_standard.templates.features import features_of
from declnet_standard.templates.plan import Plan, sizes_for
from declnet_standard.templates.writing import spec_text


class TableTemplate(ExampleTemplate):
    """Columns on different scales: your table (--data), or wines (needs scikit-learn)."""

    type = "table"
    requires = (SCIKIT_LEARN,)
    default_for = "table"

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return a dense network with the preparation, loss and sizes to suit the table."""
        features = features_of(table)
        if not features.used:
            reasons = "; ".join(f'"{each.name}": {why}' for each, why in features.left_out[:5])
            raise DataError(
                f'has no column to predict "{table.target}" from',
                hint=reasons or "it has no other column",
            )
        early_stopping = "early_stopping" in registry.types("callback")
        return spec_text(Plan(table, features, sizes_for(table.rows), early_stopping))
