"""Data sources, transforms and metrics that break their contract."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from declnet import Blocks, DataInfo, Dataset, Fitting, Sequences, Table

from ..right.others import Center, Flowers, Jitter, Letters, MeanError, Points, Songs, Third
from .expected import caught_by


@caught_by("loads_what_it_describes")
class WrongShape(Points):
    """Thirty points, of three numbers."""

    def load(self, rng):
        return Dataset(rng.normal(size=(30, 3)), np.arange(30) % 3)


@caught_by("loads_what_it_describes")
class OneClassMore(Points):
    """Thirty points, of four classes."""

    def load(self, rng):
        return Dataset(rng.normal(size=(30, 2)), np.arange(30) % 4)


@caught_by("loads_what_it_describes")
class FewerSamples(Points):
    """Twenty points."""

    def load(self, rng):
        return Dataset(rng.normal(size=(20, 2)), np.arange(20) % 3)


@caught_by("loads_what_it_describes")
class ValuesForClasses(Points):
    """Thirty points, with floats for labels."""

    def load(self, rng):
        return Dataset(rng.normal(size=(30, 2)), np.arange(30) % 3 + 0.5)


@caught_by("loads_usable_arrays")
class UnequalLengths(Points):
    """Thirty points, with a label too few."""

    def load(self, rng):
        return Dataset(rng.normal(size=(30, 2)), np.arange(29) % 3)


@caught_by("leaves_global_generators_alone")
class GlobalPoints(Points):
    """Thirty points, from NumPy's global generator."""

    def load(self, rng):
        return Dataset(np.random.normal(size=(30, 2)), np.arange(30) % 3)


@caught_by("loads_what_it_describes")
class DescribedTable(Flowers):
    """A table that describes itself as arrays."""

    def describe(self):
        return DataInfo((1,), "float", "classes", (), 2, 30)


@caught_by("loads_what_it_describes")
class NamesItsClassesLater(Points):
    """Thirty points, whose classes have names only in the description."""

    def describe(self):
        return replace(super().describe(), class_names=("a", "b", "c"))


@caught_by("loads_usable_arrays")
class TornTable(Flowers):
    """A table with a column that is shorter."""

    def load(self, rng):
        return Table({"size": np.arange(30.0), "kind": np.arange(29)}, target="kind")


@caught_by("parts_equal_the_whole")
class ForgetsTheRest(Flowers):
    """A table in chunks, of which the last is left out."""

    def chunks(self, rng, samples):
        whole = self.load(rng)
        for start in range(0, len(whole) - samples + 1, samples):
            yield whole.take(np.arange(start, start + samples))


@caught_by("names_its_files")
class FilesAsText(Flowers):
    """A table whose files are named by text."""

    def data_files(self):
        return ["flowers.csv"]


@caught_by("blocks_are_the_data")
class ReadsTheFirstBlockAlone(Flowers):
    """A table in blocks, of which the first is read whatever its number."""

    def blocks(self, samples, numbers):
        size = Blocks.samples_in_block(samples, numbers, 2)
        whole, starts = self.load(None), range(0, 30, size)
        sizes = tuple(min(size, 30 - start) for start in starts)
        return Blocks(sizes, lambda _: whole.take(np.arange(size)))


class InTwoBlocks(Flowers):
    """A table in two blocks."""

    def blocks(self, samples, numbers):
        whole = self.load(None)
        return Blocks((20, 10), lambda at: whole.take(np.arange(20 * at, 30 - 10 * (1 - at))))


@caught_by("previews_the_first_samples")
class PreviewsTheEnd(InTwoBlocks):
    """A table in blocks, of which the last is previewed."""

    def preview(self, samples, numbers):
        return self.blocks(samples, numbers).read(1)


@caught_by("previews_the_first_samples")
class PreviewsOneColumn(InTwoBlocks):
    """A table in blocks, of which one column is previewed."""

    def preview(self, samples, numbers):
        first = super().preview(samples, numbers)
        return Table({"kind": first.columns["kind"]}, target="kind")


@caught_by("previews_the_first_samples")
class PreviewsNothing(InTwoBlocks):
    """A table in blocks without a preview."""

    def preview(self, samples, numbers):
        return None


@caught_by("reads_files_by_suffix")
class CannotTakeAFile(Points):
    """Thirty points, said to be read from files."""

    suffixes: ClassVar[tuple[str, ...]] = (".points",)

    @classmethod
    def for_file(cls, path, like=None):
        return cls.model_validate({"path": path})


@caught_by("reads_files_by_suffix")
class ReadsAnotherFile(Points):
    """Thirty points, said to be read from files, by their path alone."""

    suffixes: ClassVar[tuple[str, ...]] = (".points",)

    @classmethod
    def for_file(cls, path, like=None):
        return path


@caught_by("loads_usable_arrays")
class LoadsATuple(Points):
    """Thirty points, as a tuple."""

    def load(self, rng):
        return rng.normal(size=(30, 2)), np.arange(30) % 3


@caught_by("loads_what_it_describes")
class OtherInput(Songs):
    """Two inputs, one of which has another name than it describes."""

    def load(self, rng):
        data = super().load(rng)
        return Dataset({"notes": data.x["notes"], "speed": data.x["tempo"]}, data.y)


@caught_by("loads_usable_arrays")
class ShorterInput(Songs):
    """Two inputs, one of which has fewer samples."""

    def load(self, rng):
        data = super().load(rng)
        return Dataset(data.x | {"tempo": data.x["tempo"][1:]}, data.y)


@caught_by("gives_a_row_for_each_row")
class TooFewLevels(Third):
    """Three integers, said to be two."""

    def levels(self, state):
        return 2


@caught_by("gives_a_row_for_each_row")
class LevelsOfFloats(Third):
    """Three levels, given as floats."""

    def apply(self, x, state):
        return super().apply(x, state).astype(float)


@caught_by("gives_a_row_for_each_row")
class PaddingOfSeveralValues(Letters):
    """Lengths one too short, so that letters are taken for padding."""

    def apply(self, x, state):
        y = super().apply(x, state)
        return Sequences(y.values, np.maximum(y.lengths - 1, 0))


@caught_by("gives_a_row_for_each_row")
class LengthsBeyondTheEnd(Letters):
    """Lengths that are longer than the sequences."""

    def apply(self, x, state):
        y = super().apply(x, state)
        return Sequences(y.values, y.lengths + 1)


@caught_by("parts_equal_the_whole")
class LengthsByTheChunk(Letters):
    """The longest length of the data it is applied to, for all of it."""

    def apply(self, x, state):
        y = super().apply(x, state)
        return Sequences(np.full_like(y.values, -1), np.full_like(y.lengths, y.lengths.max()))


@caught_by("state_can_be_stored")
class RefusesItsOwnState(Letters):
    """A state that it does not accept when it is read back."""

    def verify_state(self, state):
        raise ValueError("never right")


@caught_by("parts_equal_the_whole")
class MeanOfTheChunk(Center):
    """Centered by the mean of the data it is applied to."""

    def apply(self, x, state):
        self.require(x)
        return x - np.nanmean(x)


class _LastMean(Fitting):
    def update(self, x):
        self.x = x

    def result(self):
        return {"mean": float(np.nanmean(self.x))}


@caught_by("fits_in_parts")
class MeanOfTheLastPart(Center):
    """Fitted in parts, of which it remembers the last."""

    def fitting(self):
        return _LastMean()


@caught_by("leaves_inputs_alone")
class WritesToItsInput(Center):
    """Centered in place."""

    def apply(self, x, state):
        self.require(x)
        y = x if x.dtype.kind == "f" else x.astype(float)
        y -= state["mean"]
        return y


@caught_by("keeps_uses_apart")
class KeepsTheMean(Center):
    """The mean on itself."""

    def fit(self, x):
        self.require(x)
        type(self).mean = float(np.nanmean(x))
        return {}

    def apply(self, x, state):
        self.require(x)
        return x - type(self).mean


@caught_by("continues_when_restored")
class StateOfTuples(Center):
    """A tuple that is asked for as one, which JSON does not have."""

    def fit(self, x):
        return {"mean": (super().fit(x)["mean"], 0)}

    def apply(self, x, state):
        self.require(x)
        return x - (state["mean"][0] if isinstance(state["mean"], tuple) else 0)


@caught_by("state_can_be_stored")
class StateOfObjects(Center):
    """A state that no file can store."""

    def fit(self, x):
        return {"mean": super().fit(x)["mean"], "function": np.nanmean}


@caught_by("gives_a_row_for_each_row")
class DividesByZero(Center):
    """y = (x - mean) / std, of equal numbers too."""

    def fit(self, x):
        return {**super().fit(x), "std": float(np.nanstd(x))}

    def apply(self, x, state):
        return super().apply(x, state) / state["std"]


@caught_by("gives_a_row_for_each_row")
class DropsRows(Center):
    """Leaves out rows with negative numbers."""

    def apply(self, x, state):
        self.require(x)
        return x[x >= 0] - state["mean"]


@caught_by("gives_a_row_for_each_row")
class TooManyNames(Center):
    """Two names for one number."""

    def feature_names(self, names, state):
        return (*names, "spare")


@caught_by("refuses_by_column_errors")
class RefusesByTypeError(Center):
    """Text fails in the arithmetic."""

    def require(self, x):
        pass


@caught_by("takes_gaps_that_the_training_data_does_not_have")
class ForgetsGaps(Center):
    """A transform that converts missing values to integers."""

    def apply(self, x, state):
        self.require(x)
        if np.isnan(x).any():
            raise ValueError("cannot convert NaN to integer")
        return x - state["mean"]


@caught_by("is_deterministic")
class ShiftsAtRandom(Center):
    """A random shift."""

    def apply(self, x, state):
        return super().apply(x, state) + np.random.default_rng().normal()


@caught_by("suits_a_usual_column")
class SuitsNothing(Center):
    """Suits no column."""

    def suits(self, column):
        return False


@caught_by("leaves_global_generators_alone")
class GlobalJitter(Jitter):
    """Noise from NumPy's global generator."""

    def vary(self, x, rng):
        x += np.random.normal(0, 0.1, x.shape)


@caught_by("varies_by_the_given_stream")
class SteadyJitter(Jitter):
    """Always the same noise."""

    def vary(self, x, rng):
        x += 0.1


@caught_by("varies_by_the_given_stream")
class JitterByMemory(Jitter):
    """Noise in the order of the memory, which differs."""

    def vary(self, x, rng):
        flat = x.ravel(order="K")
        x += rng.normal(0, 0.1, flat.size).reshape(
            x.shape, order="C" if x.flags.c_contiguous else "F"
        )


@caught_by("parts_equal_the_whole")
class FillsWithTheMeanAtHand(Center):
    """Centered; gaps are filled with the mean of the column that it is applied to."""

    def apply(self, x, state):
        self.require(x)
        return np.where(np.isnan(x), np.nanmean(x), x) - state["mean"]


@caught_by("leaves_inputs_alone")
class FillsGapsInPlace(Center):
    """Centered; gaps are filled with 0 where they are, before the mean is taken."""

    def fit(self, x):
        self.require(x)
        np.nan_to_num(x, copy=False)
        return {"mean": float(x.mean())}


@caught_by("leaves_inputs_alone")
class WritesToItsState(Center):
    """Centered, with the mean in an array that it writes to again."""

    def fit(self, x):
        return {"mean": np.array([super().fit(x)["mean"]])}

    def apply(self, x, state):
        self.require(x)
        state["mean"][...] = state["mean"].copy()
        return x - state["mean"]


@caught_by("parts_equal_the_whole")
class MeanOfBatchMeans(MeanError):
    """The mean of the batches' means."""

    def update(self, state, y_pred, y_true):
        state[0] += float(np.abs(y_pred - y_true.reshape(y_pred.shape)).mean())
        state[1] += 1


@caught_by("parts_equal_the_whole")
class KeepsTheBatches(MeanError):
    """The mean error, of arrays that it does not own."""

    def start(self):
        return []

    def update(self, state, y_pred, y_true):
        state.append((y_pred, y_true.reshape(y_pred.shape)))

    def result(self, state):
        return float(np.mean(np.concatenate([np.abs(a - b) for a, b in state])))


@caught_by("keeps_uses_apart")
class CountsOnItself(MeanError):
    """The mean error, of all that it ever saw."""

    seen: ClassVar[list[Any]] = [0.0, 0]

    def start(self):
        return self.seen


@caught_by("parts_equal_the_whole")
class BroadcastsTargets(MeanError):
    """The mean error, of (n, 1) against (n,) broadcast."""

    def update(self, state, y_pred, y_true):
        state[0] += float(np.abs(y_pred - y_true).mean()) * len(y_pred)
        state[1] += len(y_pred)


@caught_by("leaves_inputs_alone")
class SortsPredictions(MeanError):
    """The mean error, with the predictions sorted in place."""

    def update(self, state, y_pred, y_true):
        y_pred.sort(axis=1)
        super().update(state, y_pred, y_true)


@caught_by("takes_usual_data")
class TakesNothing(MeanError):
    """The mean error of nothing."""

    def result(self, state):
        return float("nan")


@caught_by("says_which_values_are_better")
class HigherErrorsAreBetter(MeanError):
    """The mean error, said to be better where it is higher."""

    better = "higher"


@caught_by("says_which_values_are_better")
class LowerHitsAreBetter(MeanError):
    """The share of right labels, said to be better where it is lower."""

    better = "lower"

    def update(self, state, y_pred, y_true):
        if y_true.ndim != 1 or y_true.dtype.kind != "i" or y_pred.shape[1] == 1:
            raise ValueError("labels only")
        state[0] += int((y_pred.argmax(axis=1) == y_true).sum())
        state[1] += len(y_true)


@caught_by("leaves_inputs_alone")
class ClipsTargets(MeanError):
    """The mean error, with y_true clipped to a range that it never leaves."""

    def update(self, state, y_pred, y_true):
        np.clip(y_true, -1000, 1000, out=y_true)
        super().update(state, y_pred, y_true)


@caught_by("takes_usual_data")
class GivesAnArray(MeanError):
    """The errors, not their mean."""

    def result(self, state):
        return np.array([state[0], state[1]])


@caught_by("inverts_what_it_applies")
class WrongInverse(Center):
    """Its inverse changes nothing."""

    def inverse(self, y, state):
        return y.copy()


@caught_by("inverts_what_it_applies")
class InverseOfOneColumn(Center):
    """Its inverse gives one number for several predictions."""

    def inverse(self, y, state):
        return y.reshape(len(y), -1)[:, 0] + state["mean"]
