"""Analyses with one defect each."""

import numpy as np

from declnet import Analysis, DataError, ResultTable


class RowsByText(Analysis):
    """It sorts the texts of a column, which raises TypeError if one is missing (None)."""

    type = "rows_by_text"

    def analyze(self, model):
        tables = []
        for name in model.features:
            column = model.columns[name]
            if column.dtype.kind == "O":
                rows = [(text, int(np.sum(column == text))) for text in sorted(set(column))]
                tables.append(ResultTable(f"Rows by {name}", (name, "rows"), tuple(rows)))
        if not tables:
            raise DataError("no feature is a text")
        return tuple(tables)


DEFECTS = (("B", RowsByText),)
