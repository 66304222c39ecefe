"""Transforms that break their contract."""

import numpy as np

from declnet import ColumnError, Transform


class Centre(Transform):
    """y = x - mean; right, the others spoil it."""

    type = "centre"

    def suits(self, column):
        return column.dtype.kind in "fi" and column.ndim == 1

    def fit(self, x):
        self.require(x)
        return {"mean": float(np.nanmean(x))}

    def apply(self, x, state):
        self.require(x)
        return x - state["mean"]

    def require(self, x):
        if x.dtype.kind not in "fiu" or x.ndim != 1:
            raise ColumnError("is no column of numbers")
        if np.isnan(x.astype(float)).all():
            raise ColumnError("is empty")


class MeanOfTheChunk(Centre):
    """Centered by the mean of the data it is applied to."""

    type = "mean_of_the_chunk"

    def apply(self, x, state):
        self.require(x)
        return x - np.nanmean(x)


class WritesToItsInput(Centre):
    """Centred where it lies."""

    type = "writes_to_its_input"

    def apply(self, x, state):
        self.require(x)
        y = x if x.dtype.kind == "f" else x.astype(float)
        y -= state["mean"]
        return y


class KeepsTheMean(Centre):
    """The mean on itself."""

    type = "keeps_the_mean"

    def fit(self, x):
        self.require(x)
        type(self).mean = float(np.nanmean(x))
        return {}

    def apply(self, x, state):
        self.require(x)
        return x - type(self).mean


class StateOfTuples(Centre):
    """A tuple that is asked for as one, which JSON does not have."""

    type = "state_of_tuples"

    def fit(self, x):
        return {"mean": (super().fit(x)["mean"], 0)}

    def apply(self, x, state):
        self.require(x)
        return x - (state["mean"][0] if isinstance(state["mean"], tuple) else 0)


class StateOfObjects(Centre):
    """A state that no file holds."""

    type = "state_of_objects"

    def fit(self, x):
        return {"mean": super().fit(x)["mean"], "function": np.nanmean}


class DividesByZero(Centre):
    """y = (x - mean) / std, of equal numbers too."""

    type = "divides_by_zero"

    def fit(self, x):
        return {**super().fit(x), "std": float(np.nanstd(x))}

    def apply(self, x, state):
        return super().apply(x, state) / state["std"]


class DropsRows(Centre):
    """Leaves out rows with negative numbers."""

    type = "drops_rows"

    def apply(self, x, state):
        self.require(x)
        return x[x >= 0] - state["mean"]


class TooManyNames(Centre):
    """Two names for one number."""

    type = "too_many_names"

    def feature_names(self, names, state):
        return (*names, "spare")


class RefusesByTypeError(Centre):
    """Text fails in the arithmetic."""

    type = "refuses_by_type_error"

    def require(self, x):
        pass


class ForgetsGaps(Centre):
    """A transform that converts missing values to integers."""

    type = "forgets_gaps"

    def apply(self, x, state):
        self.require(x)
        if np.isnan(x).any():
            raise ValueError("cannot convert NaN to integer")
        return x - state["mean"]


class ShiftsAtRandom(Centre):
    """A random shift."""

    type = "shifts_at_random"

    def apply(self, x, state):
        return super().apply(x, state) + np.random.default_rng().normal()


class SuitsNothing(Centre):
    """Is meant for nothing."""

    type = "suits_nothing"

    def suits(self, column):
        return False


class Jitter(Transform):
    """Adds noise to each batch of the training data; right, the others spoil it."""

    type = "jitter"
    training_only = True

    def suits(self, column):
        return column.dtype.kind == "f"

    def vary(self, x, rng):
        x += rng.normal(0, 0.1, x.shape)


class GlobalJitter(Jitter):
    """Noise from NumPy's global generator."""

    type = "global_jitter"

    def vary(self, x, rng):
        x += np.random.normal(0, 0.1, x.shape)


class SteadyJitter(Jitter):
    """Always the same noise."""

    type = "steady_jitter"

    def vary(self, x, rng):
        x += 0.1


class JitterByMemory(Jitter):
    """Noise in the order of the memory, which differs."""

    type = "jitter_by_memory"

    def vary(self, x, rng):
        flat = x.ravel(order="K")
        x += rng.normal(0, 0.1, flat.size).reshape(
            x.shape, order="C" if x.flags.c_contiguous else "F"
        )


class FillsWithTheMeanAtHand(Centre):
    """Centred; gaps are filled with the mean of the column that it is applied to."""

    type = "fills_with_the_mean_at_hand"

    def apply(self, x, state):
        self.require(x)
        return np.where(np.isnan(x), np.nanmean(x), x) - state["mean"]


class FillsGapsInPlace(Centre):
    """Centred; gaps are filled with 0 where they are, before the mean is taken."""

    type = "fills_gaps_in_place"

    def fit(self, x):
        self.require(x)
        np.nan_to_num(x, copy=False)
        return {"mean": float(x.mean())}


class WritesToItsState(Centre):
    """Centred, with the mean in an array that it writes to again."""

    type = "writes_to_its_state"

    def fit(self, x):
        return {"mean": np.array([super().fit(x)["mean"]])}

    def apply(self, x, state):
        self.require(x)
        state["mean"][...] = state["mean"].copy()
        return x - state["mean"]


WRONG = {
    GlobalJitter: "leaves_global_generators_alone",
    SteadyJitter: "varies_by_the_given_stream",
    JitterByMemory: "varies_by_the_given_stream",
    MeanOfTheChunk: "parts_equal_the_whole",
    WritesToItsInput: "leaves_inputs_alone",
    KeepsTheMean: "keeps_uses_apart",
    StateOfTuples: "continues_when_restored",
    StateOfObjects: "state_can_be_stored",
    DividesByZero: "gives_a_row_for_each_row",
    DropsRows: "gives_a_row_for_each_row",
    TooManyNames: "gives_a_row_for_each_row",
    RefusesByTypeError: "refuses_by_column_errors",
    ForgetsGaps: "takes_gaps_that_the_training_data_does_not_have",
    ShiftsAtRandom: "is_deterministic",
    SuitsNothing: "suits_a_usual_column",
    FillsWithTheMeanAtHand: "parts_equal_the_whole",
    FillsGapsInPlace: "leaves_inputs_alone",
    WritesToItsState: "leaves_inputs_alone",
}
