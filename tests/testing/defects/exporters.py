"""Exporters with one defect each."""

import json
import time

import numpy as np

from declnet_plugins.exchange import ExportedPredictions, Exporter, ExportError, ExportSummary


class DatedColumns(Exporter):
    """It writes today's date into the file, whose bytes therefore change every day."""

    type = "dated_columns"
    suffixes = (".dated",)

    def export(self, model, path):
        others = [
            node.layer.type for node in model.members[0].nodes if not node.layer.only_reshapes
        ]
        if others:
            raise ExportError([(f"layer {name} has no translation", None) for name in others])
        document = {
            "written": time.strftime("%Y-%m-%d"),
            "columns": [column.name for column in model.columns],
        }
        path.write_text(json.dumps(document), encoding="utf-8")
        return ExportSummary(())

    def predictor(self, path):
        names = json.loads(path.read_text("utf-8"))["columns"]

        def predict(columns):
            y = np.stack([columns[name] for name in names], axis=1)
            return {"": ExportedPredictions(y, y)}

        return predict


DEFECTS = (("B", DatedColumns),)
