"""Importers with one defect each."""

import json

import numpy as np

from declnet import DataError, InputInfo
from declnet_plugins.exchange import ImportedNetwork, Importer, LeftoverError


class LineFile(Importer):
    """A deeply nested file raises a RecursionError, which it does not handle."""

    type = "line_file"
    suffixes = (".line",)

    def read(self, path):
        try:
            document = dict(json.loads(path.read_text("utf-8")))
            slopes = np.array(document.pop("slopes"), np.float32)
            intercept = np.array([document.pop("intercept")], np.float32)
        except (KeyError, OSError, TypeError, ValueError) as error:
            raise DataError(f"{path}: not a line: {error}") from None
        if document:
            raise LeftoverError(path, tuple(sorted(document)))
        if slopes.ndim != 1:
            raise DataError(f"{path}: slopes are a list of numbers")
        return ImportedNetwork(
            sections={
                "model": {"layers": [{"type": "dense", "units": 1}]},
                "loss": {"type": "mean_squared_error"},
                "optimizer": {"type": "adam"},
                "training": {"epochs": 10},
            },
            inputs={"": InputInfo(slopes.shape)},
            parameters={"dense_1.weights": slopes[:, None], "dense_1.biases": intercept},
            mapping={"dense_1": "slopes, intercept"},
            predict=lambda x: [(x[0] @ slopes)[:, None] + intercept],
        )


DEFECTS = (("B", LineFile),)
