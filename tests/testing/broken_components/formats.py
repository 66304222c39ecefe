"""Exporters and importers that break what users rely on."""

import json
from itertools import count

import numpy as np

from declnet import (
    DataError,
    ExportedPredictions,
    Exporter,
    ExportError,
    ExportSummary,
    Importer,
)

from .expected import caught_by

NUMBERS = count()


class _Names(Exporter):
    """Writes the names of the columns, for models that return their columns."""

    suffixes = (".names",)

    def export(self, model, path):
        if any(not node.layer.only_reshapes for node in model.members[0].nodes):
            raise ExportError([("layer type unknown has no translation", None)])
        path.write_text(json.dumps([each.name for each in model.columns]), encoding="utf-8")
        return ExportSummary(())

    def predictor(self, path):
        names = json.loads(path.read_text("utf-8"))

        def predict(columns):
            y = np.stack([columns[name] for name in names], axis=1)
            return {"": ExportedPredictions(y, y)}

        return predict


@caught_by("writes_the_same_bytes")
class NumbersItsFiles(_Names):
    """Writes something new into each file."""

    def export(self, model, path):
        summary = super().export(model, path)
        path.write_text(f"{path.read_text('utf-8')} {next(NUMBERS)}", encoding="utf-8")
        return summary


@caught_by("predicts_any_number_of_rows")
class LowersNames(_Names):
    """Takes two columns for one."""

    def predictor(self, path):
        predict = super().predictor(path)

        def lowered(columns):
            whole = {name.lower(): each for name, each in columns.items()}
            return predict({name: whole[name.lower()] for name in columns})

        return lowered


@caught_by("refuses_what_it_cannot_write")
class OmitsLayers(_Names):
    """Leaves out what it does not know."""

    def export(self, model, path):
        path.write_text(json.dumps([each.name for each in model.columns]), encoding="utf-8")
        return ExportSummary(())


@caught_by("refuses_files_of_no_network")
class ReadsAnything(Importer):
    """Fails by an exception of its own on what is not JSON."""

    suffixes = (".net",)

    def read(self, path):
        if not path.exists():
            raise DataError(f"{path}: no such file")
        return json.loads(path.read_bytes())
