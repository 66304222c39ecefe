"""RealMLP-TD and its simple variant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from declnet_plugins.standard.templates.dense import LOSSES, loss
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


class RealMLPTDS(PublishedPreset):
    """RealMLP-TD-S: a network with tuned defaults, the simple variant.

    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491.
    """

    type = "realmlp_td_s"

    def _is_quick(self) -> bool:
        return self.rows * (len(self.columns) + COLUMNS_OF_HIDDEN_LAYERS) <= MOST_IN_FOLDS

    def _prepare(self, plan: Plan) -> Iterator[Table]:
        yield from repaired(plan)
        if plan.categories:
            yield {"type": "signed_one_hot", **columns_if(plan.embedded, plan.categories)}
        if plan.categories or plan.numbers:
            yield {"type": "robust_scale"}
            yield from filled(plan)
        yield from numbered(plan)

    def _layers(self, plan: Plan, read: Mapping[str, str]) -> Iterator[Any]:
        parts: list[str] = []
        yield from embedded(read, parts)
        yield from _scaled_features([*parts, *([read["table"]] if "table" in read else [])])
        activation = _activation(plan)
        name = {"name": "trunk"} if len(plan.targets) > 1 else {}
        yield {**name, "repeat": 3, "layers": [{"type": "ntp_dense", "units": 256}, activation]}
        zeros = {"weight_initializer": "zeros", "bias_initializer": "zeros"}
        yield from self._outputs(plan, f"trunk_3_{activation}", zeros)

    def _outputs(self, plan: Plan, trunk: str, start: Table) -> Iterator[Any]:
        """Yield the last layers, which read the layer `trunk` if there are several targets."""
        for name, target in plan.heads.items():
            inputs = {"inputs": [trunk]} if name else {}
            fields = {"units": target.last_units, **inputs, **start}
            yield {"type": "ntp_dense", "name": layer_of_table(plan, target, name), **fields}
            yield from scores_of_texts(plan, target, name)
            if target.activation is not None:
                yield {"type": target.activation, "name": name} if name else target.activation

    def _loss(self, plan: Plan, target: Target) -> Table:
        has_smoothing = target.activation is not None and not target.has_rare_class(plan.rows)
        smoothing = {"label_smoothing": LABEL_SMOOTHING} if has_smoothing else {}
        return {**loss(target, LOSSES), **smoothing}

    def _optimizer(self, plan: Plan) -> Table:
        groups = [
            {"parameters": ["*.biases"], "learning_rate_factor": 0.1},
            *_as_two(plan, {"learning_rate_factor": 2.0}, {"learning_rate_factor": 0.2}),
            {"parameters": ["feature_scale_1.scale"], "learning_rate_factor": 6.0},
        ]
        return {"type": "adam", **_rates(plan, 0.07), "groups": groups}

    def _epochs(self, plan: Plan) -> int:
        affordable = MOST_STEPS * MOST_EPOCHS // max(plan.training_rows, 1)
        return max(FEWEST_EPOCHS, min(MOST_EPOCHS, affordable))

    def seconds_per_epoch(self, plan: Plan) -> float:
        """Return about how much processor time an epoch of all folds takes."""
        width = plan.width + COLUMNS_OF_HIDDEN_LAYERS
        return plan.folds * plan.training_rows * width * COLUMN

    def _training(self, plan: Plan) -> Table:
        return training_of(plan, 256, {"type": "best_epoch"}, drop_last=True)


class RealMLPTD(RealMLPTDS):
    """RealMLP-TD: with periodic embeddings of numbers, dropout and weight decay.

    pytabkit multiplies a group's weight decay by the factor of its learning rate, in addition to
    the rate itself; its defaults were tuned like that, so the groups here have such decays.
    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491.
    """

    type = "realmlp_td"
    most_one_hot = FEW_CATEGORIES
    clamps = True
    last_hidden: ClassVar[str] = "dropout_3"

    def _inputs(self, plan: Plan) -> dict[str, tuple[Column, ...]]:
        return inputs_by_kind(plan)

    def _layers(self, plan: Plan, read: Mapping[str, str]) -> Iterator[Any]:
        parts: list[str] = []
        if "numbers" in read:
            yield {"type": "pbld", "name": "numbers", "inputs": [read["numbers"]]}
            parts.append("numbers")
        if "categories" in read:
            parts.append(read["categories"])
        yield from embedded(read, parts)
        yield from _scaled_features(parts)
        activation = _activation(plan)
        start = {"weight_initializer": "unit_outputs", "bias_initializer": "he_plus"}
        yield from self._hidden(activation, start)
        yield from self._outputs(plan, self.last_hidden, start)

    def _hidden(self, activation: str, start: Table) -> Iterator[Table | str]:
        """Yield the hidden layers, of which the last is `last_hidden`."""
        for number in (1, 2, 3):
            yield {"type": "ntp_dense", "units": 256, **start}
            yield activation
            inputs = [f"ntp_dense_{number}", f"{activation}_{number}"]
            yield {"type": "parametric_activation", "inputs": inputs}
            yield {"type": "dropout", "rate": flat_cosine(0.15)}

    def _optimizer(self, plan: Plan) -> Table:
        weights = {"learning_rate_factor": 2.0, "weight_decay": flat_cosine(0.01)}
        biases = {"learning_rate_factor": 0.2, "weight_decay": 0.0}
        shares = ["*.shares", *(["numbers.*"] if plan.numbers else [])]
        groups = [
            {"parameters": ["*.biases"], "learning_rate_factor": 0.1, "weight_decay": 0.0},
            *_as_two(plan, weights, biases),
            _factor(["feature_scale_1.scale"], 6.0),
            _factor(shares, 0.1),
        ]
        decay = {"weight_decay": flat_cosine(0.02)}
        return {"type": "adamw", **_rates(plan, 0.2), **decay, "groups": groups}


def _activation(plan: Plan) -> str:
    return "selu" if _any_classes(plan) else "mish"


def _any_classes(plan: Plan) -> bool:
    return any(target.classes for target in plan.targets)


def _rates(plan: Plan, of_numbers: float) -> Table:
    """Return the rates of the optimizer: four cycles, each twice as long as the one before."""
    peak = 0.04 if _any_classes(plan) else of_numbers
    schedule = {"type": "coslog", "max_rate": peak}
    return {"learning_rate": schedule, "beta_2": 0.95, "epsilon": 1e-8}


def _as_two(plan: Plan, weights: Table, biases: Table) -> Iterator[Table]:
    """Yield the groups of layers with one unit for two classes.

    It moves as far as the difference of two units, one for each class, would.
    """
    heads = plan.heads.items()
    outputs = [f"{name}_logits" if name else "output" for name, t in heads if t.classes == 2]
    if outputs:
        yield {"parameters": [f"{name}.weights" for name in outputs], **weights}
        yield {"parameters": [f"{name}.biases" for name in outputs], **biases}


def _factor(parameters: list[str], factor: float) -> Table:
    """Return the group of parameters whose learning rate and decay have a factor."""
    decay = flat_cosine(round(0.02 * factor, 6))
    return {"parameters": parameters, "learning_rate_factor": factor, "weight_decay": decay}


def _scaled_features(parts: Sequence[str]) -> Iterator[Any]:
    """Yield the layers that join the parts of the table and scale each feature."""
    yield from concatenated(parts)
    if len(parts) == 1 and parts[0].startswith("input."):
        yield {"type": "feature_scale", "inputs": [parts[0]]}
    else:
        yield "feature_scale"


def flat_cosine(value: float) -> Table:
    """Return a schedule that is constant for half of the training, then falls to 0."""
    return {"type": "flat_cosine", "initial_rate": value}
