"""A search around RealMLP-TD, whose trials become one predictor."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from declnet import Registry
from declnet_plugins.new import TableProfile
from declnet_plugins.standard.templates.commented_toml import Line, joined
from declnet_plugins.standard.templates.data_lines import data_section
from declnet_plugins.standard.templates.model_template import installed_components
from declnet_plugins.standard.templates.plan import FOLDS, Features, folds_for
from declnet_plugins.standard.templates.suggestions import rare_class
from declnet_plugins.standard.templates.writing import calibration_section, head
from declnet_plugins.tabular.presets.plan import TablePlan
from declnet_plugins.tabular.presets.preset import group
from declnet_plugins.tabular.presets.realmlp import (
    LABEL_SMOOTHING,
    RealMLPTD,
    scaled_features,
)

MINUTES = 30.0
FEWEST_TRIALS = 10
"""Number of trials that a core should finish in time; large tables get fewer epochs for that."""
FEWEST_EPOCHS = {FOLDS: 32, 3: 8}
"""Folds of a table, and the epochs that a trial must have in each, before fewer folds are taken."""
COST = 2
"""Processor time of a trial as a multiple of RealMLP-TD's, whose layers are among the smallest."""

Values = tuple[str, str, str]
"""The value of a variable that RealMLP-TD has, the values to search, and a comment; as TOML."""


class Best(RealMLPTD):
    """RealMLP-TD and random variants of it for some minutes; the best together are one predictor.

    The search space is that of TabArena's RealMLP (Erickson et al., TabArena, NeurIPS 2025,
    arXiv:2506.16791), with these differences: beta_2, the label smoothing and the number of
    frequencies take some values, the smoothing without a schedule; the activation varies, too, as
    in RealMLP's paper; weight decay is multiplied by the factor of a learning rate once, as AdamW
    does. What varies neither here: which categories are one-hot encoded, the number of epochs, and
    the models averaged within a trial, since each trial has one for each fold.

    A table with too few rows for folds gets RealMLP-TD alone, as does `--folds 1`, and texts alone
    a linear model.
    """

    type = "best"

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return the spec with its search; for a table without folds, that of RealMLP-TD."""
        plan = self._plan(table, installed_components(registry))
        if plan is None:
            return RealMLPTD().spec_for_table(table, registry)
        sections, variables = self.sections(plan), _variables(plan)
        shared = replace(plan, is_member=True)  # what its comments say of members holds of trials
        return joined(
            (
                head(plan, _about(plan)),
                data_section(shared, sections.prepare, sections.inputs),
                [
                    "[variables]  # RealMLP-TD's own values, which the first model has",
                    *(
                        (f"{name} = {value}", comment)
                        for name, (value, _, comment) in variables.items()
                    ),
                ],
                *sections.blocks,
                calibration_section(plan),
                _tune(plan),
                [
                    "[tune.space.variables]  # what the search tries",
                    *(f"{name} = {values}" for name, (_, values, _) in variables.items()),
                ],
            )
        )

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:
        """Return the notes of RealMLP-TD, and what is searched for how long, or why not."""
        plan = self._plan(table, frozenset())
        if plan is None:
            return (
                *super().notes_for_table(table),
                "nothing is searched, since that takes folds: a column other than texts, and ten "
                "rows of each class",
            )
        about = " ".join(_about(plan))
        return (*super().notes_for_table(table), f"{about[0].lower()}{about[1:-1]}")

    def _plan(self, table: TableProfile, installed: frozenset[str]) -> TablePlan | None:
        """Return the choices for a table in folds; None if it has none."""
        most = folds_for(table, quick=True)
        for folds in (most,) if table.folds is not None else FEWEST_EPOCHS:
            if not 1 < folds <= most:
                continue
            plan = self.plan(replace(table, folds=folds), installed)
            if not isinstance(plan, TablePlan):
                return None  # texts alone
            seconds = 60 * _minutes(table) / FEWEST_TRIALS / COST
            plan = plan.with_epochs(max(1, int(seconds / self.seconds_per_epoch(plan))))
            enough = plan.sizes.epochs >= FEWEST_EPOCHS.get(folds, 1)
            if enough or table.folds is not None or folds == min(FEWEST_EPOCHS):
                return plan
        return None

    def _is_quick(self, table: TableProfile, features: Features) -> bool:
        return True

    def _layers(self, plan: TablePlan, read: Mapping[str, str]) -> Iterator[Line]:
        parts = []
        if "numbers" in read:
            start = 'frequency_initializer = { type = "normal", std = "${deviation}" }'
            fields = f'inputs = ["{read["numbers"]}"], frequencies = "${{frequencies}}"'
            line = f'  {{ type = "pbld", name = "numbers", {fields}, {start} }},'
            yield line, "periodic embeddings"
            parts.append("numbers")
        if "categories" in read:
            parts.append(read["categories"])
        if "many" in read:
            fields = f'name = "embeddings", inputs = ["{read["many"]}"], units = "${{embedding}}"'
            yield f'  {{ type = "embedding", {fields} }},', "a vector for each category"
            yield '  { type = "flatten", name = "vectors" },'
            parts.append("vectors")
        yield from scaled_features(parts)
        start = 'weight_initializer = "unit_outputs", bias_initializer = "he_plus"'
        yield '  { name = "trunk", repeat = "${hidden_layers}", layers = ['
        yield f'    {{ type = "ntp_dense", units = "${{units}}", {start} }},'
        yield '    { type = "${activation}", name = "activation" },'
        yield '    { type = "parametric_activation", inputs = ["ntp_dense", "activation"] },'
        rate = '{ type = "flat_cosine", initial_rate = "${dropout}" }'
        yield f'    {{ type = "dropout", rate = {rate} }},'
        yield "  ] },"
        yield from self._outputs(plan, "trunk", start)

    def _loss(self, plan: TablePlan) -> Iterator[Line]:
        for line in super()._loss(plan):
            text = line if isinstance(line, str) else line[0]
            smooths = text.startswith("label_smoothing")
            yield 'label_smoothing = "${label_smoothing}"' if smooths else line

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        yield "[optimizer]"
        yield 'type = "adamw"'
        rate = '{ type = "coslog", max_rate = "${learning_rate}" }'
        yield f"learning_rate = {rate}", "four cycles, each twice as long as the one before"
        yield 'beta_2 = "${beta_2}"'
        yield "epsilon = 1e-8"
        decay = '{ type = "flat_cosine", initial_rate = "${weight_decay}" }'
        yield f"weight_decay = {decay}", "constant for half of the training, then to 0"
        yield ""
        yield from group('"*.biases"', "learning_rate_factor = 0.1", "weight_decay = 0.0")
        biases = "learning_rate_factor = 0.2", "weight_decay = 0.0"
        yield from self._groups_of_two_classes(plan, ["learning_rate_factor = 2.0"], biases)
        factors = {
            '"trunk_1_ntp_dense.weights"': '"${first_layer}"',
            '"feature_scale_1.scale"': '"${scale}"',
            '"*.shares"': "0.1",
            **({'"numbers.*"': '"${embedded_numbers}"'} if plan.numbers else {}),
        }
        for parameters, factor in factors.items():
            yield ""
            yield from group(parameters, f"learning_rate_factor = {factor}")


def _variables(plan: TablePlan) -> dict[str, Values]:
    """Return what varies, by the name of its variable."""
    classes, numbers = plan.any_classes, bool(plan.numbers)
    smoothed = any(head.classes and rare_class(head.table) is None for head in plan.plans.values())
    activation = '"selu"' if classes else '"mish"'
    rate = "0.04" if classes else "0.2"
    logarithmic = "{{ low = {}, high = {}, log = true }}".format
    variables = {
        "hidden_layers": ("3", "{ low = 2, high = 4 }", "each with the same units"),
        "units": ("256", "[256, 384, 512]", "of each hidden layer"),
        "activation": (activation, '["mish", "selu"]', "of the hidden layers"),
        "dropout": ("0.15", "{ low = 0.0, high = 0.5 }", "at the start"),
        "deviation": ("0.1", logarithmic(0.01, 50.0), "of the first frequencies of numbers"),
        "frequencies": ("16", "[8, 16, 32, 64]", "of each number"),
        "embedded_numbers": ("0.1", logarithmic(0.05, 0.3), "factor of the rate of their layer"),
        "embedding": ("8", "[4, 8, 16]", "numbers for each of many categories"),
        "scale": ("6.0", logarithmic(2.0, 10.0), "factor of the rate of the feature scale"),
        "first_layer": ("1.0", logarithmic(0.3, 1.5), "factor of the rate of the first layer"),
        "learning_rate": (rate, logarithmic(0.02, 0.3), "at each peak"),
        "beta_2": ("0.95", "[0.95, 0.972, 0.984, 0.991, 0.995]", "of Adam"),
        "weight_decay": ("0.02", logarithmic(0.001, 0.05), "at the start"),
        "label_smoothing": (f"{LABEL_SMOOTHING:g}", "[0.0, 0.005, 0.02, 0.05, 0.1]", "of classes"),
    }
    unused = {
        "deviation": numbers,
        "frequencies": numbers,
        "embedded_numbers": numbers,
        "embedding": bool(plan.embedded),
        "label_smoothing": smoothed,
    }
    return {name: values for name, values in variables.items() if unused.get(name, True)}


def _tune(plan: TablePlan) -> Iterator[Line]:
    """Yield the section of the search, without its space."""
    objective = "loss" if plan.table.others else plan.monitor.removeprefix("validation_")
    yield "[tune]"
    yield f"minutes = {_minutes(plan.table):g}", "over all resumptions: declnet resume FOLDER"
    yield f'objective = "validation.{objective}"', "by which trials are listed"
    yield 'weights = "selected"', "of the trials, out of fold: together they are one predictor"
    search = '{ type = "random", pruner = "none" }'
    yield f"search = {search}", '"optuna" learns from the trials before'


def _about(plan: TablePlan) -> Sequence[str]:
    """Return lines on what is searched, and for how long."""
    return (
        f"`declnet tune` trains it and random variants in {plan.folds} folds for "
        f"{_minutes(plan.table):g} min,",
        "and weighs those that predict best together: its folder is one predictor.",
    )


def _minutes(table: TableProfile) -> float:
    return MINUTES if table.minutes is None else table.minutes
