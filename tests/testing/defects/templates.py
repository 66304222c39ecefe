"""Templates with one defect each."""

import tomli_w

from declnet import DataError
from declnet_plugins.new import Template


class LinearTable(Template):
    """It writes column names in quotation marks without escaping them."""

    type = "linear_table"

    def spec_for_table(self, table, registry):
        if table.task != "values" or table.others:
            raise DataError(f'the target "{table.target}" is not a number')
        numbers = [column for column in table.features if column.type in {"number", "integer"}]
        usable = [column for column in numbers if not column.missing and not column.infinite]
        if not usable:
            raise DataError("no column holds numbers without gaps")
        names = ", ".join(f'"{column.name}"' for column in usable)
        source = tomli_w.dumps(dict(table.source))
        features = f"features = [{names}]\n"
        return f"""# A linear model of the columns of numbers
declnet = 1
loss = "mean_squared_error"
optimizer = "adam"

[data]
prepare = [{{ type = "standardize", columns = [{names}] }}]

[data.train]
{features}{source}
[model]
layers = [{{ type = "dense", units = 1 }}]

[training]
epochs = 100
"""


DEFECTS = (("B", LinearTable),)
