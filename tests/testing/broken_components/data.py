"""Data sources, transforms and metrics that break their contract."""

from dataclasses import replace

import numpy as np

from declnet import Blocks, DataError, DataInfo, Dataset, Fitting, Sequences, Table

from ..right.others import Center, Flowers, Jitter, Letters, MeanError, Points, Songs, Third
from .broken import broken


def points(x=(30, 2), y=30, classes=3, more=0):
    """Return a method that loads points of this shape and labels of `classes` classes."""
    return {"load": lambda self, rng: Dataset(rng.normal(size=x), np.arange(y) % classes + more)}


def without_a_file(self, rng):
    raise DataError("points.txt: there is no such file")


def without_the_rest(self, rng, samples):
    whole = self.load(rng)
    for start in range(0, len(whole) - samples + 1, samples):
        yield whole.take(np.arange(start, start + samples))


def first_block_alone(self, samples, numbers):
    size = Blocks.samples_in_block(samples, numbers, 2)
    whole, starts = self.load(None), range(0, 30, size)
    sizes = tuple(min(size, 30 - start) for start in starts)
    return Blocks(sizes, lambda _: whole.take(np.arange(size)))


class InTwoBlocks(Flowers):
    """A table in two blocks."""

    def blocks(self, samples, numbers):
        whole = self.load(None)
        return Blocks((20, 10), lambda at: whole.take(np.arange(20 * at, 20 + 10 * at)))


class LastPart(Fitting):
    """Remembers the last part."""

    def update(self, x):
        self.x = x

    def result(self):
        return {"mean": float(np.nanmean(self.x))}


def letters(change):
    """Return a method that changes the result of Letters."""

    def apply(self, x, state):
        y = Letters.apply(self, x, state)
        return Sequences(*change(y.values, y.lengths))

    return apply


def centered(change):
    """Return a method that checks its column and returns `change(x, mean)`."""

    def apply(self, x, state):
        self.require(x)
        return change(x, state["mean"])

    return apply


def refuse_gaps(self, x, state):
    if np.isnan(self.require(x) or x).any():
        raise ValueError("cannot convert NaN to integer")


def refuse_state(self, state):
    raise ValueError("never right")


def mean_on_itself(self, x):
    type(self).mean = Center.fit(self, x)["mean"]
    return {}


def by_rank(self, state, y_pred, y_true):
    order = np.argsort(y_pred.reshape(-1), kind="stable")
    state[0] += float(np.arange(len(order)) @ y_true.reshape(-1)[order])
    state[1] += len(order)


class WithTarget(Flowers):
    """A table with its target as the only column."""

    target: str | None = None

    def load(self, rng):
        return Table({self.target: Flowers.load(self, rng).columns[self.target]}, self.target)


SEEN = [0.0, 0]

SOURCES = (
    broken("loads_what_it_describes", Points, "has_three_numbers", **points(x=(30, 3))),
    broken("loads_what_it_describes", Points, "has_a_class_more", **points(classes=4)),
    broken("loads_what_it_describes", Points, "has_floats_for_labels", **points(more=0.5)),
    broken("loads_what_it_describes", Points, "names_its_classes_later",
           describe=lambda self: replace(Points.describe(self), class_names=("a", "b", "c"))),
    broken("loads_what_it_describes", Flowers, "describes_itself_as_arrays",
           describe=lambda self: DataInfo((1,), "float", "classes", (), 2, 30)),
    broken("loads_what_it_describes", Songs, "names_another_input", load=lambda self, rng: Dataset(
           {"notes": np.ones((30, 5), int), "speed": np.ones(30)}, np.arange(30) % 2)),
    broken("loads_usable_arrays", Points, "has_a_label_too_few", **points(y=29)),
    broken("loads_usable_arrays", Points, "needs_a_file", load=without_a_file),
    broken("loads_usable_arrays", Points, "loads_a_tuple",
           load=lambda self, rng: (rng.normal(size=(30, 2)), np.arange(30) % 3)),
    broken("loads_usable_arrays", Flowers, "has_a_shorter_column", load=lambda self, rng: Table(
           {"size": np.arange(30.0), "kind": np.arange(29)}, target="kind")),
    broken("has_no_side_effects", Points, "draws_globally",
           load=lambda self, rng: Dataset(np.random.normal(size=(30, 2)), np.arange(30) % 3)),
    broken("parts_equal_the_whole", Flowers, "forgets_the_rest", chunks=without_the_rest),
    broken("parts_equal_the_whole", Flowers, "has_chunks_of_other_sizes",
           chunks=lambda self, rng, samples: iter([self.load(rng)])),
    broken("names_its_files", Flowers, "names_files_by_text", data_files=lambda self: ["a.csv"]),
    broken("blocks_are_the_data", Flowers, "reads_the_first_block_alone", blocks=first_block_alone),
    broken("previews_the_first_samples", InTwoBlocks, "previews_the_end",
           preview=lambda self, samples, numbers: self.blocks(samples, numbers).read(1)),
    broken("previews_the_first_samples", InTwoBlocks, "previews_all",
           preview=lambda self, samples, numbers: self.load(None)),
    broken("reads_inputs_without_targets", Flowers, "needs_its_target",
           with_target=lambda self, column: WithTarget(target=column)),
    broken("reads_inputs_without_targets", Flowers, "leaves_out_a_column",
           input_chunks=lambda self, rng, samples: iter([Table({"kind": np.arange(30)})])),
    broken("reads_inputs_without_targets", Points, "has_other_inputs",
           input_chunks=lambda self, rng, samples: iter([rng.normal(size=(30, 2)) + 1])),
    broken("previews_the_first_samples", InTwoBlocks, "previews_nothing",
           preview=lambda self, samples, numbers: None),
    broken("reads_files_by_suffix", Points, "takes_no_path", suffixes=(".points",),
           for_file=classmethod(lambda cls, path, like=None: cls.model_validate({"path": path}))),
)  # fmt: skip

TRANSFORMS = (
    broken("gives_a_row_for_each_row", Third, "has_fewer_levels", levels=lambda self, state: 2),
    broken("gives_a_row_for_each_row", Third, "has_levels_of_floats",
           apply=lambda self, x, state: Third.apply(self, x, state).astype(float)),
    broken("gives_a_row_for_each_row", Letters, "pads_by_letters",
           apply=letters(lambda values, lengths: (values, np.maximum(lengths - 1, 0)))),
    broken("gives_a_row_for_each_row", Center, "divides_by_zero",
           apply=centered(lambda x, mean: (x - mean) / (x - mean).std())),
    broken("takes_columns_of_any_length", Center, "is_undefined_for_one_row",
           fit=lambda self, x: self.require(x) or {"mean": float(np.nanvar(x, ddof=1))}),
    broken("takes_no_rows", Center, "needs_a_row",
           apply=centered(lambda x, mean: (x.reshape(len(x), -1) - mean).reshape(x.shape))),
    broken("parts_equal_the_whole", Center, "squeezes_a_single_row", apply=lambda self, x, state:
           self.require(x) or x - (state["mean"] if np.squeeze(x).ndim else 0)),
    broken("works_with_usual_data", Center, "drops_rows",
           apply=centered(lambda x, mean: x[x >= 0] - mean)),
    broken("parts_equal_the_whole", Center, "fills_gaps_with_the_mean_of_the_chunk",
           apply=centered(lambda x, mean: np.where(np.isnan(x), np.nanmean(x), x) - mean)),
    broken("continues_when_restored", Letters, "refuses_its_state", verify_state=refuse_state),
    broken("works_with_usual_data", Center, "keeps_a_function",
           fit=lambda self, x: {**Center.fit(self, x), "function": np.nanmean}),
    broken("continues_when_restored", Center, "takes_its_own_arrays_alone",
           fit=lambda self, x: {"mean": np.array([Center.fit(self, x)["mean"]])},
           apply=centered(lambda x, mean: x - mean * mean.flags.owndata)),
    broken("fits_in_parts", Center, "remembers_the_last_part", fitting=lambda self: LastPart()),
    broken("gives_the_same_with_states_for_many_calls", Center, "is_ready_without_its_mean",
           ready_state=lambda self, state: {"mean": 0.0}),
    broken("gives_the_same_with_states_for_many_calls", Center, "joins_by_the_first_mean",
           joint_state=lambda self, states: states[0]),
    broken("leaves_inputs_alone", Center, "centers_in_place", apply=centered(
           lambda x, mean: np.subtract(x, mean, out=x if x.dtype.kind == "f" else None))),
    broken("leaves_inputs_alone", Center, "writes_to_its_state",
           fit=lambda self, x: {"mean": np.array([Center.fit(self, x)["mean"]])},
           apply=centered(lambda x, mean: x - np.positive(mean, out=mean))),
    broken("keeps_uses_apart", Center, "keeps_the_mean_on_itself", fit=mean_on_itself,
           apply=lambda self, x, state: self.require(x) or x - type(self).mean),
    broken("refuses_by_column_errors", Center, "refuses_by_type_errors",
           require=lambda self, x: None),
    broken("takes_values_that_the_training_data_does_not_have", Center, "takes_no_gaps",
           before=("apply", refuse_gaps)),
    broken("takes_values_that_the_training_data_does_not_have", Third, "calls_gaps_low",
           apply=centered(lambda x, mean: (x > mean).astype(int))),
    broken("takes_values_that_the_training_data_does_not_have", Center, "grows_exponentially",
           apply=centered(lambda x, mean: np.exp(x - mean))),
    broken("takes_columns_of_any_length", Center, "learns_no_mean_with_gaps",
           fit=lambda self, x: self.require(x) or {"mean": float(np.mean(x))}),
    broken("gives_a_row_for_each_row", Center, "returns_a_view", apply=centered(
           lambda x, mean: x[:])),
    broken("inverts_what_it_applies", Center, "inverts_to_its_argument",
           apply=centered(lambda x, mean: x.copy()), inverse=lambda self, y, state: y),
    broken("is_deterministic", Center, "shifts_at_random",
           apply=centered(lambda x, mean: x - mean + np.random.default_rng().normal())),
    broken("works_with_usual_data", Center, "suits_nothing", suits=lambda self, column: False),
    broken("inverts_what_it_applies", Center, "inverts_nothing",
           inverse=lambda self, y, state: y.copy()),
    broken("inverts_what_it_applies", Center, "inverts_columns_alone",
           suits=lambda self, column: column.ndim < 3 and column.dtype.kind in "fO",
           fit=lambda self, x: {"wide": x.ndim > 1},
           apply=lambda self, x, state: x.copy() if x.dtype.kind == "O" else x - 1,
           inverse=lambda self, y, state: y + (not state["wide"])),
    broken("has_no_side_effects", Jitter, "draws_globally",
           vary=lambda self, x, rng: np.add(x, np.random.normal(0, 0.1, x.shape), out=x)),
    broken("varies_by_the_given_stream", Jitter, "always_adds_the_same",
           vary=lambda self, x, rng: np.add(x, 0.1, out=x)),
    broken("takes_any_memory_order", Jitter, "goes_by_memory",
           vary=lambda self, x, rng: x.__iadd__(
           rng.normal(0, 0.1, x.size).reshape(x.shape, order="CF"[x.flags.f_contiguous]))),
)  # fmt: skip

METRICS = (
    broken("parts_equal_the_whole", MeanError, "keeps_batches", start=lambda self: [],
           update=lambda self, state, y_pred, y_true:
           state.append((y_pred, y_true.reshape(y_pred.shape))),
           result=lambda self, state:
           float(np.mean(np.concatenate([np.abs(y_pred - y) for y_pred, y in state])))),
    broken("keeps_uses_apart", MeanError, "keeps_the_sum", start=lambda self: SEEN),
    broken("leaves_inputs_alone", MeanError, "sorts_predictions",
           before=("update", lambda self, state, y_pred, y_true: y_pred.sort(axis=1))),
    broken("leaves_inputs_alone", MeanError, "clips_targets", before=(
           "update", lambda self, state, y_pred, y_true: np.clip(y_true, -1000, 1000, out=y_true))),
    broken("takes_unusual_data", MeanError, "divides_by_no_samples",
           result=lambda self, state: state[0] / state[1]),
    broken("takes_unusual_data", MeanError, "is_zero_without_samples",
           result=lambda self, state: state[0] / max(state[1], 1)),
    broken("takes_unusual_data", MeanError, "divides_by_the_truth", before=("update",
           lambda self, state, y_pred, y_true: state.__setitem__(
           0, state[0] + float(np.abs(y_pred / y_true.reshape(y_pred.shape)).sum())))),
    broken("takes_samples_in_any_order", MeanError, "counts_from_the_largest", update=by_rank),
    broken("leaves_out_parts_as_others_say", MeanError, "takes_each_part",
           leaving_out=lambda self, y_pred, y_true, part_of:
           np.array([np.abs(y_pred - y_true.reshape(y_pred.shape))[part_of == part].mean()
           for part in range(part_of.max() + 1)], float)),
    broken("adds_up_in_float64", MeanError, "counts_in_float32",
           start=lambda self: [0.0, np.float32(0)]),
    broken("works_with_usual_data", MeanError, "gives_nan",
           result=lambda self, state: float("nan")),
    broken("says_which_values_are_better", MeanError, "wants_higher_errors", better="higher"),
    broken("says_which_values_are_better", MeanError, "wants_errors_near_1000", better=1000.0),
)  # fmt: skip

BROKEN = SOURCES + TRANSFORMS + METRICS
