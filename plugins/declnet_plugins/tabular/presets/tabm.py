"""TabM-mini."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import field_validator

from declnet_plugins.standard.templates.facts import Column, Target
from declnet_plugins.standard.templates.plan import Plan
from declnet_plugins.standard.templates.preparing import columns_if, filled, numbered, repaired
from declnet_plugins.standard.templates.table_preset import Table
from declnet_plugins.standard.templates.texts import layer_of_table, scores_of_texts
from declnet_plugins.tabular.presets.preset import (
    PublishedPreset,
    concatenated,
    embedded,
    inputs_by_kind,
    training_of,
)

MEMBERS = 32

BINS = 48
"""Maximum number of bins of a number."""

TABM_BATCHES = {2_800: 32, 4_500: 64, 6_400: 128, 32_000: 256, 108_000: 512}
"""TabM's batch sizes for fewer training rows than each number."""

TABM_LARGEST_BATCH = 1024


class TabMMini(PublishedPreset):
    """TabM-mini: 32 networks in one that share hidden layers, with embeddings of numbers.

    All members see the same batches. The loss is the mean of theirs, and so are predictions.
    Gorishniy, Kotelnikov and Babenko, TabM, ICLR 2025, arXiv:2410.24210.
    """

    type = "tabm_mini"
    unit_for_each = True

    @field_validator("targets")
    @classmethod
    def _require_no_loss(cls, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        for target in targets:
            if target.loss is not None:
                raise ValueError(f'its members have a loss of their own, not "{target.loss}"')
        return targets

    def _inputs(self, plan: Plan) -> dict[str, tuple[Column, ...]]:
        return inputs_by_kind(plan)

    def _prepare(self, plan: Plan) -> Iterator[Table]:
        yield from repaired(plan)
        if plan.numbers:
            yield {"type": "quantile_normal"}
            yield from filled(plan)
        texts = [column for column in plan.categories if column.is_category]
        if texts:
            yield {"type": "one_hot", **columns_if(plan.embedded, texts), "missing": "zeros"}
        yield from numbered(plan)

    def _layers(self, plan: Plan, read: Mapping[str, str]) -> Iterator[Any]:
        parts: list[str] = []
        if plan.numbers:
            bins = max(1, min(BINS, plan.training_rows - 1))
            inputs = {"inputs": [read["numbers"]]} if read["numbers"] != "input" else {}
            sizes = {"units": 16, "bins": bins}
            yield {"type": "piecewise_linear", "name": "numbers", **inputs, **sizes}
            yield {"type": "flatten", "name": "embedded"}
        if "categories" in read:
            parts.append(read["categories"])
        yield from embedded(read, parts)
        yield from _members(bool(plan.numbers), parts)
        dense = {"type": "dense", "units": 512, "weight_initializer": "fan_in_uniform"}
        hidden = [dense, "relu", {"type": "dropout", "rate": 0.1}]
        repeat = 2 if plan.numbers else 3
        trunk = {"name": "trunk"} if len(plan.targets) > 1 else {}
        yield {**trunk, "repeat": repeat, "layers": hidden}
        for name, target in plan.heads.items():
            fields: Table = {"inputs": [f"trunk_{repeat}_dropout"]} if name else {}
            if name or plan.texts:
                fields = {"name": layer_of_table(plan, target, name, MEMBERS), **fields}
            units = target.classes or 1
            yield {"type": "member_dense", **fields, "units": units}
            yield from scores_of_texts(plan, target, name, units, MEMBERS)

    def _loss(self, plan: Plan, target: Target) -> Table:
        return {"type": f"members_{'crossentropy' if target.classes else 'squared_error'}"}

    def _optimizer(self, plan: Plan) -> Table:
        spared = ["*.biases", *(["numbers.slopes"] if plan.numbers else [])]
        return {
            "type": "adamw",
            "learning_rate": 0.002,
            "weight_decay": 3e-4,
            "epsilon": 1e-8,
            "groups": [{"parameters": spared, "weight_decay": 0.0}],
        }

    def _epochs(self, plan: Plan) -> int:
        return 1000 if plan.sizes.validation else 50

    def _training(self, plan: Plan) -> Table:
        rows = plan.training_rows
        sizes = (size for limit, size in TABM_BATCHES.items() if rows < limit)
        batch = next(sizes, TABM_LARGEST_BATCH)
        return training_of(plan, batch, {"type": "early_stopping", "patience": 16})


def _members(embeds: bool, parts: Sequence[str]) -> Iterator[Table]:
    """Yield the layers that give each member its features, with its own factors.

    Args:
        embeds: whether there are embeddings of numbers, the layer `embedded`.
        parts: the other features.
    """
    both = embeds and bool(parts)
    if embeds:
        fields = {"name": "members_numbers", "inputs": ["embedded"]} if both else {}
        start: Any = {"type": "per_feature", "size": 16}
        yield {"type": "members", **fields, "members": MEMBERS, "scale_initializer": start}
    if parts:
        yield from concatenated(parts)
        alone = len(parts) == 1 and (both or parts[0].startswith("input."))
        fields = {"name": "members_others"} if both else {}
        fields |= {"inputs": [parts[0]]} if alone else {}
        start = {"type": "normal", "std": 1.0} if both else "random_signs"
        yield {"type": "members", **fields, "members": MEMBERS, "scale_initializer": start}
    if both:
        names = ["members_numbers", "members_others"]
        yield {"type": "concatenate", "axis": 1, "inputs": names}
