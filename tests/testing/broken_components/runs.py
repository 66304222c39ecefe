"""Callbacks, calibrators, presets, searchers, templates, formats that break their contract."""

import json
import random
import time
from dataclasses import replace

import numpy as np

from declnet import (
    DONE,
    WAIT,
    Analysis,
    Calibrator,
    Callback,
    DataError,
    Plan,
    Preset,
    ResultTable,
    Searcher,
    StepObserver,
    StudyTrial,
    Task,
)
from declnet_plugins.exchange import (
    ExportedColumn,
    ExportedInterface,
    ExportedOutput,
    ExportedPredictions,
    Exporter,
    ExportError,
    ExportSummary,
    Importer,
)
from declnet_plugins.new import Template

from ..right.others import LastMean, Patience, Plateau, Sum
from .broken import broken
from .layers import count

SEEN = []


class Scales(StepObserver):
    """Modifies the arrays that it observes."""

    def forward(self, name, layer, y):
        y *= 0.5


def write_a_note(self, run):
    (run.directory / "note.txt").write_text("started")


def round_the_loss(self, state, epoch):
    epoch.metrics["loss"] = round(epoch.metrics["loss"], 1)


def count_on_the_class(self, state, epoch):
    type(self).epochs = getattr(type(self), "epochs", 0) + 1


def average_in_place(self, state, step):
    LastMean.after_update(self, state, step)
    state.run.model.vector()[...] = state.sum / state.count


FILES = []


def open_a_file(self, run):
    if run.directory is not None:
        FILES.append((run.directory / "log.txt").open("w"))


def close_the_file(self, state, metrics):
    for file in FILES:
        file.close()


def append_a_row(self, state, epoch):
    if state.run.directory is not None:
        with (state.run.directory / "rows.csv").open("a") as file:
            file.write(f"{epoch.epoch},{time.time_ns()}\n")


def average_by_flags(self, state, w):
    w.flags.writeable = True
    w *= 0.5


CALLBACKS = (
    broken("follows_a_run", Plateau, "leaves_its_file_open_at_an_interrupt",
           before=("start", open_a_file), finished=close_the_file),
    broken("writes_each_epoch_once", Plateau, "appends_after_a_resume",
           before=("epoch_finished", append_a_row)),
    broken("declares_its_selection", Plateau, "selects_in_silence",
           monitors=lambda self: ("validation_loss",),
           after_epoch=lambda self, state, epoch: state.run.restore_parameters(
               state.run.model.parameters())),
    broken("follows_a_run", Plateau, "halves_what_is_evaluated", evaluated=average_by_flags),
    broken("follows_a_run", Plateau, "changes_a_run_that_has_finished",
           found_finished=lambda self, directory, metrics: {}["state"]),
    broken("follows_a_run", Plateau, "needs_a_folder", before=("start", write_a_note)),
    broken("follows_a_run", Plateau, "rounds_metrics", before=("epoch_finished", round_the_loss)),
    broken("follows_a_run", Plateau, "changes_outputs", observer=lambda self, state: Scales()),
    broken("has_no_side_effects", Plateau, "counts_on_its_class",
           epoch_finished=count_on_the_class),
    broken("continues_when_restored", Plateau, "saves_the_run",
           save=lambda self, state: {"run": state.run, "best": state.best}),
    broken("continues_when_restored", Plateau, "restores_the_best_alone",
           restore=lambda self, run, saved: Patience(run, saved["best"])),
    broken("continues_when_restored", Callback, "forgets_its_plan",
           start=lambda self, run: run.save_checkpoints(every_epochs=5) or {}),
    broken("continues_when_restored", LastMean, "forgets_the_sum",
           restore=lambda self, run, saved: Sum(run, run.model.vector() * 0)),
    broken("follows_a_run", LastMean, "evaluates_one_number",
           evaluated=lambda self, state, w: w[0]),
    broken("follows_a_run", LastMean, "averages_in_place", after_update=average_in_place),
    broken("follows_a_run", Plateau, "monitors_a_string", monitors=lambda self: "loss"),
    broken("follows_a_run", Plateau, "reads_more",
           monitors=lambda self: ("validation_loss",),
           after_epoch=lambda self, state, epoch: epoch.metric("loss")),
)  # fmt: skip


class Means(Analysis):
    """The mean of each feature, of at most 100 samples drawn at random."""

    type = "means_of_features"

    def analyze(self, model):
        at = model.rng.choice(model.samples, min(100, model.samples), replace=False)
        rows = [(name, self.mean(model.columns[name][at])) for name in model.features]
        model.outputs(at)
        return (ResultTable("Means", ("column", "mean"), tuple(rows)),)

    def mean(self, column):
        return float(np.mean(column)) if column.dtype.kind in "fiub" else None


def fill_gaps(self, model):
    for column in model.training_columns.values():
        if column.dtype.kind == "f":
            column[np.isnan(column)] = 0


ANALYSES = (
    broken("works_with_usual_data", Means, "compares_the_second_row",
           mean=lambda self, column: float(column[1] == column[0])),
    broken("works_with_usual_data", Means, "declares_texts_as_shares", analyze=lambda self, model: (
           ResultTable("Means", ("column",), (("size",),), kinds={"column": "share"}),)),
    broken("works_with_usual_data", Means, "returns_numpy_numbers",
           mean=lambda self, column: np.mean(column) if column.dtype.kind in "fiub" else None),
    broken("works_with_usual_data", Means, "returns_one_table",
           analyze=lambda self, model: Means.analyze(self, model)[0]),
    broken("leaves_inputs_alone", Means, "fills_gaps", before=("analyze", fill_gaps)),
    broken("is_deterministic", Means, "draws_anew",
           mean=lambda self, column: float(np.random.default_rng().random())),
    broken("takes_bounded_time", Means, "predicts_all_often", before=(
           "analyze", lambda self, model: [model.outputs() for _ in range(101)])),
)  # fmt: skip


class Sharper(Calibrator):
    """Correct: p ** 2 / sum(p ** 2)."""

    type = "sharper"
    tasks = ("classes",)

    def fit(self, y_pred, y_true, task):
        return {"power": 2.0}

    def apply(self, y_pred, state):
        powers = y_pred ** state["power"]
        return powers / powers.sum(axis=1, keepdims=True)


class Within(Calibrator):
    """Correct: predictions ± the largest error."""

    type = "within"
    tasks = ("values",)

    def fit(self, y_pred, y_true, task):
        return {"error": np.abs(y_pred - y_true).max(axis=0)}

    def intervals(self, y_pred, state):
        return y_pred - state["error"], y_pred + state["error"]


def refuse_views(self, state):
    if not state["power"].flags.owndata:
        raise ValueError("the power is an array that another one owns")


def learn_in_the_module(self, y_pred, y_true, task):
    SEEN[:] = [np.abs(y_pred - y_true).max(axis=0)]


CALIBRATORS = (
    broken("keeps_what_probabilities_tell", Sharper, "gives_the_other_class", tasks=("binary",),
           apply=lambda self, y_pred, state: 1 - y_pred),
    broken("gives_something_for_its_tasks", Sharper, "takes_too_much", tasks=("classes", "binary")),
    broken("gives_something_for_its_tasks", Sharper, "forgets_the_sum",
           apply=lambda self, y_pred, state: y_pred ** state["power"]),
    broken("gives_something_for_its_tasks", Sharper, "exceeds_1", tasks=("binary",),
           apply=lambda self, y_pred, state: y_pred * 1.5),
    broken("gives_something_for_its_tasks", Sharper, "takes_logarithms_of_zero",
           fit=lambda self, y_pred, y_true, task: {"power": float(np.log(y_pred).mean() ** 2)}),
    broken("gives_something_for_its_tasks", Sharper, "needs_two_samples",
           fit=lambda self, y_pred, y_true, task: {"power": float(y_pred[:, 0].var(ddof=1)) + 1}),
    broken("gives_something_for_its_tasks", Sharper, "needs_a_second_class",
           fit=lambda self, y_pred, y, task: {"power": 1.0 + y[y != y[0]].min()}),
    broken("parts_equal_the_whole", Sharper, "squeezes_a_single_row", apply=lambda self, y_pred,
           state: Sharper.apply(self, y_pred, {"power": min(2.0, len(y_pred))})),
    broken("leaves_inputs_alone", Sharper, "sharpens_in_place",
           before=("apply", lambda self, y_pred, state: np.square(y_pred, out=y_pred))),
    broken("leaves_inputs_alone", Within, "sorts_the_targets",
           verify_targets=lambda self, y_true: y_true.sort(axis=0)),
    broken("parts_equal_the_whole", Sharper, "sharpens_by_the_batch", apply=lambda self, y_pred,
           state: Sharper.apply(self, y_pred, {"power": 1 + y_pred.max()})),
    broken("continues_when_restored", Sharper, "refuses_its_state_as_read",
           verify_state=refuse_views,
           fit=lambda self, y_pred, y_true, task: {"power": np.array([2.0])}),
    broken("keeps_its_promise", Within, "promises_too_much", promised_coverage=lambda self: 0.99,
           intervals=lambda self, y, state: (y - state["error"] / 4, y + state["error"] / 4)),
    broken("keeps_uses_apart", Within, "learns_in_its_module", before=("fit", learn_in_the_module),
           intervals=lambda self, y, state: (y - SEEN[0], y + SEEN[0])),
    broken("continues_when_restored", Sharper, "takes_its_own_arrays_alone",
           fit=lambda self, y_pred, y_true, task: {"power": np.array([2.0])},
           apply=lambda self, y_pred, state: Sharper.apply(
               self, y_pred, {"power": 3 - state["power"].flags.owndata})),
)  # fmt: skip


def drawn(study, seed):
    """Return a value of each dimension that applies."""
    rng, values = random.Random(seed), {}
    for dimension in study.space:
        if dimension.applies(values):
            low, high, step = dimension.low, dimension.high, dimension.step
            if dimension.choices:
                value = rng.choice(dimension.choices)
            elif dimension.is_integer and step is None:
                value = rng.randint(low, high)
            elif step is None:
                value = rng.uniform(low, high)
            else:
                value = low + step * rng.randint(0, round((high - low) / step))
            values[dimension.key] = value
    return values


class Memory:
    """A study in memory whose values depend on the number of earlier calls."""

    def __init__(self, study, trials):
        self.study, self.found, self.asked = study, trials, 0

    def ask(self):
        values = drawn(self.study, len(self.found) * 100 + self.asked)
        self.asked += 1
        self.found.append(StudyTrial(len(self.found), values, worker=self.study.worker))
        return self.found[-1]

    def trials(self):
        return self.found

    def report(self, number, step, value):
        return False

    def tell(self, number, state, value, seconds):
        self.found[number] = replace(self.found[number], state=state, value=value)

    def importance(self):
        return {}

    def close(self):
        pass


FOLDERS = {}

SEARCHERS = (
    broken("proposes_values_of_the_space", Searcher, "leaves_ranges_without_steps",
           propose=lambda self, study, number, trials: drawn(study, number) | (
               {"optimizer.learning_rate": 0.0} if study.space[0].log else {})),
    broken("continues_the_best_trial", Searcher, "stops_the_highest",
           propose=lambda self, study, number, trials: drawn(study, number),
           should_stop=lambda self, study, trial, trials: any(
               max(trial.reported.values()) > max(other.reported.values()) for other in trials)),
    broken("proposes_values_of_the_space", Searcher, "ignores_conditions",
           propose=lambda self, study, number, trials: {
               "optimizer.momentum": 0.3, **drawn(study, number), "optimizer": "adam"}),
    broken("repeats_a_study", Searcher, "draws_anew",
           propose=lambda self, study, number, trials: drawn(study, count(self))),
    broken("proposes_different_values", Searcher, "alternates_between_two_points",
           propose=lambda self, study, number, trials: drawn(study, number % 2)),
    broken("lists_what_was_reported", Searcher, "forgets",
           open=lambda self, study: Memory(study, [])),
    broken("repeats_a_study", Searcher, "counts_its_calls", open=lambda self, study:
           Memory(study, FOLDERS.setdefault(study.directory, []))),
)  # fmt: skip

PLANS = (
    broken("asks_for_runs_and_ends", Plan, "has_no_end",
           next=lambda self, journal: Task(f"run-{len(journal.tasks)}")),
    broken("asks_for_runs_and_ends", Plan, "waits_for_nothing", next=lambda self, journal: WAIT),
    broken("depends_on_the_journal_alone", Plan, "counts_itself", next=lambda self, journal: (
        DONE if len(journal.tasks) > 3 else Task(f"run-{len(journal.tasks)}-{count(self)}"))),
)  # fmt: skip

PRESETS = (
    broken("is_part_of_a_valid_spec", Preset, "misspells_a_layer",
           document=lambda self: {"model": {"layers": ["dens"]}}),
    broken("is_part_of_a_valid_spec", Preset, "extends_a_file",
           document=lambda self: {"extends": "base.toml"}),
    broken("returns_the_same_document_again", Preset, "counts_documents",
           document=lambda self: {"seed": count(self)}),
)  # fmt: skip

SPEC = """
declnet = 1
data = { prepare = ["standardize"] }
model = { layers = [{ type = "dense", units = 4 }, "relu", { type = "dense", units = 1 }] }
loss = { type = "mean_squared_error" }
optimizer = { type = "adam" }
training = { epochs = 1 }
"""
FOR_TABLE = SPEC.replace("data = {", 'data = { train = { type = "passed", target = "y" },')


def overlooking_text(self, table, registry):
    columns = [feature.name for feature in table.features]
    return FOR_TABLE.replace('"standardize"', f'{{ type = "standardize", columns = {columns} }}')


TEMPLATES = (
    broken("writes_a_valid_example", Template, "names_no_installed_layer",
           spec=lambda self: SPEC.replace("relu", "no_such_layer")),
    broken("writes_a_valid_example", Template, "writes_no_toml", spec=lambda self: "declnet: 1"),
    broken("writes_valid_specs_for_tables", Template, "has_two_outputs",
           spec_for_table=lambda *_: FOR_TABLE.replace("units = 1", "units = 2")),
    broken("writes_valid_specs_for_tables", Template, "diverges",
           spec_for_table=lambda *_: FOR_TABLE.replace(
               '["standardize"]', '[{ type = "impute" }, "one_hot", "standardize"]'
           ).replace('type = "adam"', 'type = "sgd", learning_rate = 1e300')),
    broken("writes_valid_specs_for_tables", Template, "overlooks_text",
           spec_for_table=overlooking_text),
    broken("writes_valid_specs_for_arrays", Template, "predicts_a_number_for_labels",
           spec_for_arrays=lambda *_: FOR_TABLE.replace(', target = "y"', "")),
)  # fmt: skip


class Names(Exporter):
    """Write the names of the columns, for models that return their columns."""

    type = "names"
    suffixes = (".names",)

    def export(self, model, path):
        if any(not node.layer.only_reshapes for node in model.members[0].nodes):
            raise ExportError([("layer type unknown has no translation", None)])
        return self.write(model, path)

    def write(self, model, path, more=""):
        names = json.dumps([column.name for column in model.columns])
        path.write_text(names + more, encoding="utf-8")
        return ExportSummary(())

    def predictor(self, path):
        names = json.loads(path.read_text("utf-8"))

        def predict(columns):
            y = np.stack([columns[name] for name in names], axis=1)
            return {"": ExportedPredictions(y, y)}

        return predict


def predictor_of_any_case(self, path):
    predict = Names.predictor(self, path)

    def lowered(columns):
        whole = {name.lower(): column for name, column in columns.items()}
        return predict({name: whole[name.lower()] for name in columns})

    return lowered


def read_anything(self, path):
    if not path.exists():
        raise DataError(f"{path}: no such file")
    return json.loads(path.read_bytes())


def interface_in_lower_case(self, path):
    names = json.loads(path.read_text("utf-8"))
    columns = tuple(ExportedColumn(name.lower(), "number") for name in names)
    return ExportedInterface(columns, (ExportedOutput("", (len(names),), "values"),))


def export_plain_names(self, model, path):
    if not all(column.name.isidentifier() for column in model.columns):
        raise ExportError([("names are words", None)])
    return Names.export(self, model, path)


FORMATS = (
    broken("writes_the_same_bytes", Names, "refuses_names", export=export_plain_names),
    broken("writes_the_same_bytes", Names, "numbers_its_files",
           write=lambda self, model, path: Names.write(self, model, path, f" {count(self)}")),
    broken("predicts_any_number_of_rows", Names, "ignores_case", predictor=predictor_of_any_case),
    broken("refuses_what_it_cannot_write", Names, "omits_layers",
           export=lambda self, model, path: self.write(model, path)),
    broken("says_what_files_take", Names, "lowers_names", interface=interface_in_lower_case),
    broken("refuses_files_of_no_network", Importer, "reads_anything", suffixes=(".net",),
           read=read_anything),
)  # fmt: skip

BROKEN = CALLBACKS + ANALYSES + CALIBRATORS + PLANS + PRESETS + SEARCHERS + TEMPLATES + FORMATS
