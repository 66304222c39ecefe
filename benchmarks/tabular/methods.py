"""The methods that are compared, by name.

A method of a new kind needs a function that prepares its data; one of a known kind only a line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tabular.peers import pytabkit, scikit_learn
from tabular.presets import declnet_preset
from tabular.tasks import Task

Array = Any

Predict = Callable[[], Array]
"""Returns predictions for the test rows: probabilities (n, classes), or values (n,)."""
Fit = Callable[[], Predict]
"""Fits a model; its time is measured."""


@dataclass(frozen=True)
class Method:
    """A way to learn from a table.

    Attributes:
        prepare: loads a task's data in the form that the method takes; gets an empty folder.
        packages: the packages whose versions matter.
    """

    prepare: Callable[[Task, Path], Fit]
    packages: tuple[str, ...]

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages; raise PackageNotFoundError if one is missing."""
        return {package: version(package) for package in self.packages}

    @property
    def missing(self) -> str:
        """Return the name of a package that is not installed, or ""."""
        for package in self.packages:
            try:
                version(package)
            except PackageNotFoundError:
                return package
        return ""


PRESETS = ("realmlp_td_s", "realmlp_td", "tabm_mini", "mlp", "linear")
"""The values of `declnet new --preset`."""

DEFAULT = "declnet:realmlp_td x5"
"""What `declnet new` writes for a small table: five folds, whose models predict their mean."""
SINGLE = "declnet:realmlp_td"
"""What it writes for other tables."""

TABM_MINI = {"arch_type": "tabm-mini", "batch_size": "auto", "weight_decay": 3e-4}
"""TabM-mini with the weight decay and the batch sizes, by the number of rows, of its authors."""
EMBEDDED = {**TABM_MINI, "num_emb_type": "pwl"}
"""The same with piecewise-linear embeddings."""

METHODS: dict[str, Method] = {
    **{f"declnet:{name}": Method(declnet_preset(name), ("declnet",)) for name in PRESETS},
    DEFAULT: Method(declnet_preset("realmlp_td", folds=5), ("declnet",)),
    "sklearn:mlp": Method(partial(scikit_learn, "mlp"), ("scikit-learn",)),
    "sklearn:boosting": Method(partial(scikit_learn, "boosting"), ("scikit-learn",)),
    "xgboost": Method(partial(pytabkit, "XGB_TD", {}), ("xgboost", "pytabkit")),
    "lightgbm": Method(partial(pytabkit, "LGBM_TD", {}), ("lightgbm", "pytabkit")),
    "catboost": Method(partial(pytabkit, "CatBoost_TD", {}), ("catboost", "pytabkit")),
    "pytabkit:realmlp_td_s": Method(partial(pytabkit, "RealMLP_TD_S", {}), ("pytabkit", "torch")),
    "pytabkit:realmlp_td": Method(partial(pytabkit, "RealMLP_TD", {}), ("pytabkit", "torch")),
    "pytabkit:tabm_mini_pwl": Method(partial(pytabkit, "TabM_D", EMBEDDED), ("pytabkit", "torch")),
}

OUTSIDE_THE_SCALE = frozenset({"declnet:linear", "lightgbm"})
"""Methods that do not suit some sets, and would stretch their scale.

A line cannot follow a curve, and LightGBM's least 40 rows of a leaf are too many for 100 rows.
"""

PAIRS = (
    ("declnet:realmlp_td_s", "pytabkit:realmlp_td_s"),
    ("declnet:realmlp_td", "pytabkit:realmlp_td"),
    ("declnet:tabm_mini", "pytabkit:tabm_mini_pwl"),
    (DEFAULT, "sklearn:mlp"),
    (DEFAULT, "sklearn:boosting"),
    (DEFAULT, SINGLE),
    (SINGLE, "sklearn:mlp"),
    (SINGLE, "sklearn:boosting"),
    (SINGLE, "declnet:mlp"),
    ("declnet:tabm_mini", SINGLE),
)
"""Which methods are compared in pairs."""

REPEATED_PAIRS = ((DEFAULT, "sklearn:mlp"), (DEFAULT, "sklearn:boosting"))
"""Which of them are also compared on more splits."""
