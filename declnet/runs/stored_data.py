"""The data sets of a run, loaded again, and the model's outputs on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from declnet.contracts.data.dataset import Dataset
from declnet.data.sources.loading import fingerprint
from declnet.runs.inference.member import LabeledPart


@dataclass(frozen=True, eq=False)
class StoredData:
    """A reloaded and prepared data set of a run.

    Attributes:
        name: `train`, `validation` or `test`.
        dataset: the data set, prepared with the run's stored preparation.
        hash: hash of the data the run used, if recorded in the manifest.
    """

    name: str
    dataset: Dataset
    hash: str | None

    @cached_property
    def unchanged(self) -> bool:
        """Whether the data's hash matches the data that the run used."""
        return fingerprint(self.dataset) == self.hash

    def parts(self, samples: int) -> Iterator[Dataset]:
        """Yield the samples in order, in parts of up to `samples` samples."""
        yield from self.dataset.parts(samples)

    @property
    def labeled(self) -> LabeledPart:
        """The samples, to evaluate the run's predictor on."""
        return LabeledPart((self.dataset,), self.dataset.sample_name)


@dataclass(frozen=True, eq=False)
class PredictedData:
    """Samples of a data set with the outputs of one or several models.

    Attributes:
        name: the data set's name.
        x: (n, *sample shape), prepared; named inputs by name; None of several models, which
            prepare samples each in its own way.
        y: (n, …), as metrics take it; for several losses, each target by the loss's name.
        outputs: (n, *shape), as metrics take them: the model's outputs after `Loss.predictions`, in
            the units of y, calibrated if the run has calibrators; for several losses, an array for
            each by name.
        uncalibrated: the same before any calibration.
    """

    name: str
    x: Any
    y: Any
    outputs: Any
    uncalibrated: Any
