"""TabM-mini."""

from collections.abc import Iterator, Mapping, Sequence

from declnet_plugins.new import ColumnProfile
from declnet_plugins.standard.templates.commented_toml import Line, toml
from declnet_plugins.standard.templates.data_lines import numbering
from declnet_plugins.standard.templates.texts import layer_of_table, scores_of_texts
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

MEMBERS = 32

BINS = 48
"""Maximum number of bins of a number."""

TABM_BATCHES = {2_800: 32, 4_500: 64, 6_400: 128, 32_000: 256, 108_000: 512}
"""TabM's batch sizes for fewer training rows than each number."""

TABM_LARGEST_BATCH = 1024


class TabMMini(TablePreset):
    """TabM-mini: 32 networks in one that share hidden layers, with embeddings of numbers.

    All members see the same batches. Gorishniy, Kotelnikov and Babenko, TabM, ICLR 2025,
    arXiv:2410.24210.
    """

    type = "tabm_mini"
    about_loss = "the mean of the members' losses; predictions are the mean of theirs"
    where = "as with --preset mlp"
    unit_for_each = True

    def _inputs(self, plan: TablePlan) -> dict[str, Sequence[ColumnProfile]]:
        inputs = {"numbers": plan.numbers, "categories": plan.one_hot, "many": plan.embedded}
        return {name: columns for name, columns in inputs.items() if columns}

    def _prepare(self, plan: TablePlan) -> Iterator[Line]:
        yield from repaired(plan)
        if plan.numbers:
            yield '  { type = "quantile_normal" },', "by rank to a normal distribution"
            yield from filled(plan)
        texts = [category.name for category in plan.one_hot if category.type == "text"]
        if texts:
            columns = f", columns = {toml(texts)}" if plan.embedded else ""
            line = f'  {{ type = "one_hot"{columns}, missing = "zeros" }},'
            yield line, "a column per category"
        yield from numbering(plan)

    def _layers(self, plan: TablePlan, read: Mapping[str, str]) -> Iterator[Line]:
        parts = []
        if plan.numbers:
            bins = max(1, min(BINS, plan.training_rows - 1))
            inputs = f', inputs = ["{read["numbers"]}"]' if len(read) > 1 else ""
            sizes = f"units = 16, bins = {bins}"
            comment = "piecewise-linear embeddings"
            yield f'  {{ type = "piecewise_linear", name = "numbers"{inputs}, {sizes} }},', comment
            yield '  { type = "flatten", name = "embedded" },'
        if "categories" in read:
            parts.append(read["categories"])
        yield from embedded(read, parts)
        yield from self._members(bool(plan.numbers), parts)
        dense = '{ type = "dense", units = 512, weight_initializer = "fan_in_uniform" }'
        hidden = f'{dense}, "relu", {{ type = "dropout", rate = 0.1 }}'
        repeat = 2 if plan.numbers else 3
        name = 'name = "trunk", ' if plan.table.others else ""
        yield f"  {{ {name}repeat = {repeat}, layers = [{hidden}] }},"
        for name, head in plan.plans.items():
            fields = f'inputs = ["trunk_{repeat}_dropout"], ' if name else ""
            if name or plan.features.texts:
                fields = f'name = "{layer_of_table(plan, head, name, MEMBERS)}", {fields}'
            line = f'  {{ type = "member_dense", {fields}units = {head.classes or 1} }},'
            yield line, f"an output each{f', of {toml(head.target.name)}' if name else ''}"
            yield from scores_of_texts(plan, head, name, head.classes or 1, MEMBERS)

    def _members(self, embedded: bool, parts: Sequence[str]) -> Iterator[Line]:
        """Yield the layers that give each member its features.

        Args:
            embedded: whether there are embeddings of numbers, the layer `embedded`.
            parts: the other features.
        """
        yield "  # each member sees the features with its own factors"
        both = embedded and parts
        if embedded:
            fields = 'name = "members_numbers", inputs = ["embedded"], ' if both else ""
            start = 'scale_initializer = { type = "per_feature", size = 16 }'
            yield f'  {{ type = "members", {fields}members = 32, {start} }},'
        if parts:
            yield from concatenated(parts)
            alone = len(parts) == 1 and (both or parts[0].startswith("input."))
            read = f'inputs = ["{parts[0]}"], ' if alone else ""
            fields = f'name = "members_others", {read}' if both else read
            start = '{ type = "normal", std = 1.0 }' if both else '"random_signs"'
            yield f'  {{ type = "members", {fields}members = 32, scale_initializer = {start} }},'
        if both:
            names = '["members_numbers", "members_others"]'
            yield f'  {{ type = "concatenate", axis = 1, inputs = {names} }},'

    def _loss(self, plan: TablePlan) -> Iterator[Line]:
        yield f'type = "members_{"crossentropy" if plan.classes else "squared_error"}"'

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        yield "[optimizer]"
        yield 'type = "adamw"'
        yield "learning_rate = 0.002"
        yield "weight_decay = 3e-4", "pulls weights toward 0, to reduce overfitting"
        yield "epsilon = 1e-8"
        yield ""
        spared = ['"*.biases"', *(['"numbers.slopes"'] if plan.numbers else [])]
        yield from group(", ".join(spared), "weight_decay = 0.0")

    def _epochs(self, plan: TablePlan) -> int:
        return 1000 if plan.sizes.validation else 50

    def _training(self, plan: TablePlan) -> Iterator[Line]:
        rows = plan.training_rows
        sizes = (size for limit, size in TABM_BATCHES.items() if rows < limit)
        batch = next(sizes, TABM_LARGEST_BATCH)
        callback = '"early_stopping", patience = 16'
        yield from training_of(plan, "passes over the training data", batch, callback)
