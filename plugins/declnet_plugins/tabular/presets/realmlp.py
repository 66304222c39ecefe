"""RealMLP-TD and its simple variant."""

from collections.abc import Iterator, Mapping, Sequence

from declnet_plugins.new import ColumnProfile, TableProfile
from declnet_plugins.standard.templates.commented_toml import Line, toml
from declnet_plugins.standard.templates.data_lines import numbering
from declnet_plugins.standard.templates.plan import Features, Plan
from declnet_plugins.standard.templates.suggestions import rare_class
from declnet_plugins.standard.templates.texts import layer_of_table, scores_of_texts
from declnet_plugins.standard.templates.writing import counts_loss, ordinal_loss
from declnet_plugins.tabular.presets.plan import TablePlan
from declnet_plugins.tabular.presets.preset import (
    TablePreset,
    concatenated,
    embedded,
    filled,
    group,
    repaired,
    training_of,
)

FEW_CATEGORIES = 8
"""Maximum number of categories that RealMLP-TD encodes one-hot; with the missing value, pytabkit
counts 9."""

MOST_STEPS = 6400
"""Steps above which RealMLP trains for fewer epochs than its authors': from this number of training
rows on, so that a table of 50,000 rows takes less than a minute."""

MOST_EPOCHS, FEWEST_EPOCHS = 256, 8
"""The epochs of RealMLP's authors, and the fewest in a large table."""

COLUMNS_OF_HIDDEN_LAYERS = 100
"""Number of columns that cost as much as RealMLP's hidden layers."""
COLUMN = 2e-7
"""Processor time of a column of a row in an epoch."""
MOST_IN_FOLDS = 500_000
"""Rows times columns, including the hidden layers', up to which five models take about a minute
on one core, e.g. 4,000 rows of 20 columns."""

LABEL_SMOOTHING = 0.02
"""A fifth of the authors', which is more than near-certain classes need; without any, the learning
rate makes wrong predictions extreme. With it, a rare class may be predicted no better than chance.
"""

AS_TWO = "# one unit moves as far as the difference of two, one for each class, would"


class RealMLPTDS(TablePreset):
    """RealMLP-TD-S: a network with tuned defaults, the simple variant.

    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491.
    """

    type = "realmlp_td_s"

    def _is_quick(self, table: TableProfile, features: Features) -> bool:
        work = table.rows * (len(features.used) + COLUMNS_OF_HIDDEN_LAYERS)
        return work <= MOST_IN_FOLDS

    def _prepare(self, plan: TablePlan) -> Iterator[Line]:
        yield from repaired(plan)
        if plan.one_hot:
            comment = "a column per category, ±1 for two; missing is 0"
            columns = _listed(plan.one_hot) if plan.embedded else ""
            yield f'  {{ type = "signed_one_hot"{columns} }},', comment
        if plan.one_hot or plan.numbers:
            yield from _scaled(plan)
        yield from numbering(plan)

    def _layers(self, plan: TablePlan, read: Mapping[str, str]) -> Iterator[Line]:
        parts: list[str] = []
        yield from embedded(read, parts)
        yield from scaled_features([*parts, *([read["table"]] if "table" in read else [])])
        activation = "selu" if plan.any_classes else "mish"
        block = f'layers = [{{ type = "ntp_dense", units = 256 }}, "{activation}"]'
        name = 'name = "trunk", ' if plan.table.others else ""
        yield f"  {{ {name}repeat = 3, {block} }},", "three hidden layers"
        zeros = 'weight_initializer = "zeros", bias_initializer = "zeros"'
        yield from self._outputs(plan, f"trunk_3_{activation}", zeros)

    def _outputs(self, plan: TablePlan, trunk: str, start: str) -> Iterator[Line]:
        """Yield the last layers, which read the layer `trunk` if there are several targets."""
        for name, head in plan.plans.items():
            output = layer_of_table(plan, head, name)
            inputs = f', inputs = ["{trunk}"]' if name else ""
            units = f"units = {head.last_units}{inputs}, {start}"
            line = f'  {{ type = "ntp_dense", name = "{output}", {units} }},'
            yield (line, f"of {toml(head.target.name)}") if name else line
            yield from scores_of_texts(plan, head, name)
            if head.classes:
                kind = "sigmoid" if head.is_binary else "softmax"
                last = f'{{ type = "{kind}", name = "{name}" }}' if name else f'"{kind}"'
                what = "it into a probability" if head.is_binary else "them into probabilities"
                yield f"  {last},", f"turns {what}{'' if head.is_binary else ' that sum to 1'}"

    def _loss(self, plan: TablePlan) -> Iterator[Line]:
        if plan.classes:
            yield f'type = "{"binary" if plan.is_binary else "categorical"}_crossentropy"'
            if rare_class(plan.table) is None:
                smoothing = f"label_smoothing = {LABEL_SMOOTHING:g}"
                yield smoothing, "reduces overconfidence; log_loss is without it"
            yield from ordinal_loss(plan)
        else:
            yield 'type = "mean_squared_error"', "of the prepared target"
            yield from counts_loss(plan)

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        yield "[optimizer]"
        yield 'type = "adam"'
        yield from self._rates("0.04" if plan.any_classes else "0.07")
        yield ""
        yield from group('"*.biases"', "learning_rate_factor = 0.1")
        weights, biases = ["learning_rate_factor = 2.0"], ["learning_rate_factor = 0.2"]
        yield from self._groups_of_two_classes(plan, weights, biases)
        yield ""
        yield from group('"feature_scale_1.scale"', "learning_rate_factor = 6.0")

    def _groups_of_two_classes(
        self, plan: TablePlan, weights: Sequence[str], biases: Sequence[str]
    ) -> Iterator[Line]:
        """Yield the groups of layers with one unit for two classes."""
        plans = plan.plans.items()
        outputs = [f"{name}_logits" if name else "output" for name, head in plans if head.is_binary]
        if outputs:
            yield ""
            yield AS_TWO
            yield from group(", ".join(f'"{name}.weights"' for name in outputs), *weights)
            yield ""
            yield from group(", ".join(f'"{name}.biases"' for name in outputs), *biases)

    def _rates(self, peak: str) -> Iterator[Line]:
        rate = f'{{ type = "coslog", max_rate = {peak} }}'
        yield f"learning_rate = {rate}", "four cycles, each twice as long as the one before"
        yield "beta_2 = 0.95"
        yield "epsilon = 1e-8"

    def _epochs(self, plan: TablePlan) -> int:
        affordable = MOST_STEPS * MOST_EPOCHS // max(plan.training_rows, 1)
        return max(FEWEST_EPOCHS, min(MOST_EPOCHS, affordable))

    def seconds_per_epoch(self, plan: Plan) -> float:
        """Return about how much processor time an epoch of all folds takes."""
        width = plan.features.width + COLUMNS_OF_HIDDEN_LAYERS
        return plan.folds * plan.training_rows * width * COLUMN

    def _training(self, plan: TablePlan) -> Iterator[Line]:
        fewer = "" if plan.sizes.epochs == MOST_EPOCHS else f"; {MOST_EPOCHS} in smaller tables"
        about = f"passes over the training data{fewer}"
        yield from training_of(plan, about, 256, '"best_epoch"', drop_last=True)


class RealMLPTD(RealMLPTDS):
    """RealMLP-TD: with periodic embeddings of numbers, dropout and weight decay.

    pytabkit multiplies a group's weight decay by the factor of its learning rate, in addition to
    the rate itself; its defaults were tuned like that, so the groups here have such decays.
    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491.
    """

    type = "realmlp_td"
    most_one_hot = FEW_CATEGORIES
    clamps = True

    def _inputs(self, plan: TablePlan) -> dict[str, Sequence[ColumnProfile]]:
        inputs = {"numbers": plan.numbers, "categories": plan.one_hot, "many": plan.embedded}
        return {name: columns for name, columns in inputs.items() if columns}

    def _layers(self, plan: TablePlan, read: Mapping[str, str]) -> Iterator[Line]:
        parts = []
        if "numbers" in read:
            comment = "periodic embeddings of 4 numbers each"
            yield (
                f'  {{ type = "pbld", name = "numbers", inputs = ["{read["numbers"]}"] }},',
                comment,
            )
            parts.append("numbers")
        if "categories" in read:
            parts.append(read["categories"])
        yield from embedded(read, parts)
        yield from scaled_features(parts)
        activation = "selu" if plan.any_classes else "mish"
        start = 'weight_initializer = "unit_outputs", bias_initializer = "he_plus"'
        for number in (1, 2, 3):
            yield f'  {{ type = "ntp_dense", units = 256, {start} }},'
            yield f'  "{activation}",'
            inputs = f'"ntp_dense_{number}", "{activation}_{number}"'
            yield f'  {{ type = "parametric_activation", inputs = [{inputs}] }},'
            yield '  { type = "dropout", rate = { type = "flat_cosine", initial_rate = 0.15 } },'
        yield from self._outputs(plan, "dropout_3", start)

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        yield "[optimizer]"
        yield 'type = "adamw"'
        yield from self._rates("0.04" if plan.any_classes else "0.2")
        comment = "constant for half of the training, then to 0"
        yield f"weight_decay = {_flat_cosine(0.02)}", comment
        yield ""
        yield from group('"*.biases"', "learning_rate_factor = 0.1", "weight_decay = 0.0")
        weights = "learning_rate_factor = 2.0", f"weight_decay = {_flat_cosine(0.01)}"
        biases = "learning_rate_factor = 0.2", "weight_decay = 0.0"
        yield from self._groups_of_two_classes(plan, weights, biases)
        for parameters, factor in self._factors(plan):
            yield ""
            rate = f"learning_rate_factor = {factor}"
            decay = f"weight_decay = {_flat_cosine(round(0.02 * factor, 6))}"
            yield from group(parameters, rate, decay)

    def _factors(self, plan: TablePlan) -> Iterator[tuple[str, float]]:
        """Yield what multiplies both the learning rate and the decay of some parameters."""
        yield '"feature_scale_1.scale"', 6.0
        yield ('"*.shares", "numbers.*"' if plan.numbers else '"*.shares"'), 0.1


def scaled_features(parts: Sequence[str]) -> Iterator[Line]:
    """Yield the layers that join the parts of the table and scale each feature."""
    yield from concatenated(parts)
    scale = '  "feature_scale",'
    if len(parts) == 1 and parts[0].startswith("input."):
        scale = f'  {{ type = "feature_scale", inputs = ["{parts[0]}"] }},'
    yield scale, "a trained factor for each feature"


def _scaled(plan: TablePlan) -> Iterator[Line]:
    yield '  { type = "robust_scale" },', "median 0, interquartile range 1, smoothly cut at ±3"
    yield from filled(plan)


def _listed(columns: Sequence[ColumnProfile]) -> str:
    return f", columns = {toml([column.name for column in columns])}"


def _flat_cosine(value: float) -> str:
    return f'{{ type = "flat_cosine", initial_rate = {value:g} }}'
