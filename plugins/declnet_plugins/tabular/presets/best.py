"""A search around RealMLP-TD, whose trials become one predictor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from declnet_plugins.standard.templates.plan import FOLDS, Plan
from declnet_plugins.standard.templates.table_preset import Table
from declnet_plugins.tabular.presets.realmlp import RealMLPTD, flat_cosine

FEWEST_TRIALS = 10
"""Number of trials that a core should finish in time; their epochs are reduced to fit."""
FEWEST_EPOCHS = {FOLDS: 32, 3: 8}
"""Folds of a table, and the epochs that a trial must have in each, before fewer folds are taken."""
COST = 2
"""Processor time of a trial as a multiple of RealMLP-TD's, whose layers are among the smallest."""

FREQUENCIES: Table = {
    "frequencies": 16,
    "frequency_initializer": {"type": "normal", "std": 0.1},
}
"""What varies of the embeddings of numbers: the defaults of the layer."""


class Best(RealMLPTD):
    """RealMLP-TD and random variants of it for some minutes; the best together are one predictor.

    It searches the space of TabArena's RealMLP (Erickson et al., TabArena, NeurIPS 2025,
    arXiv:2506.16791), with these differences: beta_2, the label smoothing and the number of
    frequencies take some values, the smoothing without a schedule; the activation varies, too, as
    in RealMLP's paper; weight decay is multiplied by the factor of a learning rate once, as AdamW
    does. What does not vary: which categories are one-hot encoded, the number of epochs, and the
    models averaged within a trial, since each trial has one for each fold.

    A table with too few rows for folds gets RealMLP-TD alone, as does `folds = 1`, and texts alone
    a linear model.
    """

    type = "best"
    last_hidden: ClassVar[str] = "trunk"

    minutes: float = Field(
        default=30,
        gt=0,
        description="how long to search, over all resumptions, which limits the epochs of a trial",
    )

    def plan(self) -> Plan:
        """Return the choices for the table, in folds if it has enough rows."""
        most = 1 if self.has_texts_alone else self.suitable_folds(quick=True)
        for folds in FEWEST_EPOCHS if self.folds is None else (most,):
            if 1 < folds <= most:
                plan = RealMLPTD.plan(self.model_copy(update={"folds": folds}))
                seconds = 60 * self.minutes / FEWEST_TRIALS / COST
                plan = plan.with_epochs(max(1, int(seconds / self.seconds_per_epoch(plan))))
                enough = plan.sizes.epochs >= FEWEST_EPOCHS.get(folds, 0)
                if enough or self.folds is not None or folds == min(FEWEST_EPOCHS):
                    return plan
        return super().plan()

    def document(self) -> dict[str, Any]:
        """Return the spec with its search; without folds, RealMLP-TD's spec."""
        document = super().document()
        if not self._searches(self.plan()):
            return document
        monitor = self.plan().monitor.removeprefix("validation_")
        return {
            **document,
            "tune": {
                "minutes": self.minutes,
                "objective": f"validation.{monitor}",
                "weights": "selected",
                "search": {"type": "random", "pruner": "none"},
                "space": dict(_space(document)),
            },
        }

    def about(self) -> tuple[str, ...]:
        """Return what is searched, or why nothing is."""
        plan = self.plan()
        if not self._searches(plan):
            return (
                "nothing is searched, since that takes folds: a column other than texts, and ten "
                "rows of each class",
            )
        return (
            f"`declnet tune` trains it and random variants in {plan.folds} folds, and weighs those "
            "that predict best together: its folder is one predictor",
        )

    def _searches(self, plan: Plan) -> bool:
        return plan.folds > 1 and not self.has_texts_alone

    def _layers(self, plan: Plan, read: Mapping[str, str]) -> Iterator[Any]:
        for layer in super()._layers(plan, read):
            is_periodic = isinstance(layer, dict) and layer.get("type") == "pbld"
            yield {**layer, **FREQUENCIES} if is_periodic else layer

    def _hidden(self, activation: str, start: Table) -> Iterator[Table | str]:
        layers = [
            {"type": "ntp_dense", "units": 256, **start},
            {"type": activation, "name": "activation"},
            {"type": "parametric_activation", "inputs": ["ntp_dense", "activation"]},
            {"type": "dropout", "rate": flat_cosine(0.15)},
        ]
        yield {"name": self.last_hidden, "repeat": 3, "layers": layers}

    def _optimizer(self, plan: Plan) -> Table:
        """Return groups whose decay is the optimizer's, which varies, or 0."""
        optimizer = super()._optimizer(plan)
        first = {"parameters": ["trunk_1_ntp_dense.weights"], "learning_rate_factor": 1.0}
        biases, *others = optimizer["groups"]
        groups = [biases, first]
        for group in others:
            fields = {key: value for key, value in group.items() if not isinstance(value, dict)}
            names = group["parameters"]
            parts = [[name] for name in names] if "numbers.*" in names else [names]
            groups += [{**fields, "parameters": part} for part in parts]
        return {**optimizer, "groups": groups}


def _space(document: Table) -> Iterator[tuple[str, Any]]:
    """Yield the keys of the document that vary, with their values."""
    for number, layer in enumerate(document["model"]["layers"]):
        at, fields = f"model.layers.{number}", layer if isinstance(layer, dict) else {}
        if "frequencies" in fields:
            yield f"{at}.frequencies", [8, 16, 32, 64]
            yield f"{at}.frequency_initializer.std", _logarithmic(0.01, 50.0)
        if fields.get("name") == "embeddings":
            yield f"{at}.units", [4, 8, 16]
        if "repeat" in fields:
            yield f"{at}.repeat", {"low": 2, "high": 4}
            yield f"{at}.layers.0.units", [256, 384, 512]
            yield f"{at}.layers.1.type", ["mish", "selu"]
            yield f"{at}.layers.3.rate.initial_rate", {"low": 0.0, "high": 0.5}
    losses = document.get("losses", {})
    for at, loss in {"loss": document.get("loss", {}), **_under("losses", losses)}.items():
        if "label_smoothing" in loss:
            yield f"{at}.label_smoothing", [0.0, 0.005, 0.02, 0.05, 0.1]
    yield "optimizer.learning_rate.max_rate", _logarithmic(0.02, 0.3)
    yield "optimizer.beta_2", [0.95, 0.972, 0.984, 0.991, 0.995]
    yield "optimizer.weight_decay.initial_rate", _logarithmic(0.001, 0.05)
    factors = {
        "trunk_1_ntp_dense.weights": _logarithmic(0.3, 1.5),
        "feature_scale_1.scale": _logarithmic(2.0, 10.0),
        "numbers.*": _logarithmic(0.05, 0.3),
    }
    for number, group in enumerate(document["optimizer"]["groups"]):
        values = factors.get(group["parameters"][0])
        if values is not None:
            yield f"optimizer.groups.{number}.learning_rate_factor", values


def _under(key: str, tables: Mapping[str, Table]) -> dict[str, Table]:
    return {f"{key}.{name}": table for name, table in tables.items()}


def _logarithmic(low: float, high: float) -> Table:
    return {"low": low, "high": high, "log": True}
