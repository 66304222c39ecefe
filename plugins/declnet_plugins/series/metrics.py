"""Metrics of forecasts."""

from pydantic import Field

from declnet import Array
from declnet_plugins.standard.metrics.means import MeanMetric
from declnet_plugins.standard.metrics.regression import ValueMetric, errors_of


class MeanAbsoluteScaledError(ValueMetric, MeanMetric):
    """mase = mean(|y_pred - y|) / scale, over all values of all forecasts.

    `scale` is the mean absolute difference of values a season apart in the training data, the error
    of the forecast that repeats the last season; `declnet new` writes it. Below 1, the errors are
    smaller than those of this forecast, a season ahead, in the training data.

    y_pred: (n, horizon) or any shape; y: of that shape, or (n,) for one value.

    Source: Hyndman and Koehler, "Another look at measures of forecast accuracy", International
    Journal of Forecasting 22, 2006.
    """

    type = "mase"
    better = "lower"
    abbreviation = "MASE"
    best_constant = "median"
    other_types = ("mean_absolute_scaled_error",)
    examples = ({"scale": 2.5},)

    scale: float = Field(
        gt=0, description="the mean absolute difference of values a season apart in training data"
    )

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return |error| / scale."""
        scaled: Array = abs(errors_of(y_pred, y_true)) / self.scale
        return scaled
