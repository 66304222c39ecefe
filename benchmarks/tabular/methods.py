"""The methods that are compared, by name.

A method of a new kind needs a function that prepares its data; one of a known kind only a line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from tabular.bagging import bagged, tuned
from tabular.peers import Model, pytabkit, pytabkit_trial, scikit_learn
from tabular.presets import bagged_preset, declnet_new, declnet_preset
from tabular.reporting import TUNED as TUNED_SETS
from tabular.sets import GROUPS
from tabular.table_set import Listing
from tabular.tasks import Task

Array = Any

Predict = Callable[..., Array]
"""Returns predictions for the rows of a part, those to test on if none is named: probabilities
(n, classes), or values (n,)."""
Fit = Callable[[], Predict]
"""Fits a model; its time is measured."""


Protocol = Literal["single", "bagged", "tuned"]
"""One model with the split's validation rows, on the original sets; the mean of the models of five
folds; several such means, chosen and weighed, on the sets of `reporting.TUNED`."""


@dataclass(frozen=True)
class Method:
    """A way to learn from a table.

    Attributes:
        prepare: loads a task's data in the form that the method takes; gets an empty folder.
        packages: the packages whose versions matter.
        protocol: what is fitted.
        reads_prose: whether the method can be given columns of prose.
    """

    prepare: Callable[[Task, Path], Fit]
    packages: tuple[str, ...]
    protocol: Protocol = "single"
    reads_prose: bool = False

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages; raise PackageNotFoundError if one is missing."""
        return {package: _version(package) for package in self.packages}

    @property
    def missing(self) -> str:
        """Return the name of a package that is not installed, or ""."""
        for package in self.packages:
            try:
                _version(package)
            except PackageNotFoundError:
                return package
        return ""

    def suits(self, listing: Listing) -> bool:
        """Return whether the method is to be fitted to a set."""
        if self.protocol == "single":
            return listing in GROUPS["original"]
        if self.protocol == "tuned":
            return listing.name in TUNED_SETS
        return self.reads_prose or not listing.texts


def _version(package: str) -> str:
    """Return the version of a package, or of its variant without a GPU."""
    try:
        return version(package)
    except PackageNotFoundError:
        return version(f"{package}-cpu")


PRESETS = ("realmlp_td_s", "realmlp_td", "tabm_mini", "mlp", "linear")
"""The values of `declnet new --preset`."""

DEFAULT = "declnet:realmlp_td x5"
"""RealMLP-TD in five folds, whose models predict their mean: what `declnet new` wrote for a small
table when these were compared."""
SINGLE = "declnet:realmlp_td"
"""What it wrote for other tables."""

TABM_MINI = {"arch_type": "tabm-mini", "batch_size": "auto", "weight_decay": 3e-4}
"""TabM-mini with the weight decay and the batch sizes, by the number of rows, of its authors."""
EMBEDDED = {**TABM_MINI, "num_emb_type": "pwl"}
"""The same with piecewise-linear embeddings."""

LOG_LOSS = {"val_metric_name": "cross_entropy", "use_ls": False}
"""What the authors of RealMLP recommend where probabilities matter."""

SCIKIT_LEARN: tuple[Model, ...] = ("linear", "forest", "boosting", "mlp")
PYTABKIT: dict[str, tuple[str, dict[str, Any], str]] = {
    "xgboost": ("XGB_TD", {}, "xgboost"),
    "lightgbm": ("LGBM_TD", {}, "lightgbm"),
    "catboost": ("CatBoost_TD", {}, "catboost"),
    "pytabkit:realmlp_td_s": ("RealMLP_TD_S", {}, "torch"),
    "pytabkit:realmlp_td": ("RealMLP_TD", {}, "torch"),
    "pytabkit:tabm_mini_pwl": ("TabM_D", EMBEDDED, "torch"),
}
"""The class, its options and the package behind it."""
SEARCHES: dict[str, tuple[str, tuple[str, dict[str, Any]]]] = {
    "pytabkit:realmlp": ("RealMLP_HPO", ("RealMLP_TD", {})),
    "pytabkit:tabm": ("TabM_HPO", ("TabM_D", EMBEDDED)),
}
"""Random searches of pytabkit, each with what its first trial fits."""

NEW = "declnet:new bagged"
"""What `declnet new` and `declnet run` do, unedited."""

SINGLE_METHODS = {
    **{f"declnet:{name}": Method(declnet_preset(name), ("declnet",)) for name in PRESETS},
    DEFAULT: Method(declnet_preset("realmlp_td", folds=5), ("declnet",)),
    **{
        f"sklearn:{kind}": Method(partial(scikit_learn, kind), ("scikit-learn",))
        for kind in SCIKIT_LEARN
        if kind in ("boosting", "mlp")
    },
    **{
        name: Method(partial(pytabkit, kind, options), (package, "pytabkit"))
        for name, (kind, options, package) in PYTABKIT.items()
    },
}

BAGGED_METHODS = {
    NEW: Method(declnet_new(), ("declnet",), "bagged", reads_prose=True),
    **{
        f"declnet:{name} bagged": Method(bagged_preset(name), ("declnet",), "bagged", True)
        for name in PRESETS
    },
    **{
        f"sklearn:{kind} bagged": Method(
            bagged(partial(scikit_learn, kind)), ("scikit-learn",), "bagged", reads_prose=True
        )
        for kind in SCIKIT_LEARN
    },
    **{
        f"{name} bagged": Method(
            bagged(partial(pytabkit, kind, options)), (package, "pytabkit"), "bagged"
        )
        for name, (kind, options, package) in PYTABKIT.items()
    },
    "pytabkit:realmlp_td log_loss bagged": Method(
        bagged(partial(pytabkit, "RealMLP_TD", LOG_LOSS)), ("torch", "pytabkit"), "bagged"
    ),
}

TUNED_METHODS = {
    "declnet:best tuned": Method(declnet_new(best=True), ("declnet",), "tuned", reads_prose=True),
    **{
        f"{name} tuned": Method(
            tuned(partial(pytabkit_trial, kind, first)), ("torch", "pytabkit"), "tuned"
        )
        for name, (kind, first) in SEARCHES.items()
    },
}

METHODS: dict[str, Method] = {**SINGLE_METHODS, **BAGGED_METHODS, **TUNED_METHODS}

BASELINES = tuple(f"sklearn:{kind} bagged" for kind in SCIKIT_LEARN)
"""The best of these on a set is what others are compared with."""

OUTSIDE_THE_SCALE = frozenset(
    f"{name}{ending}"
    for name in ("declnet:linear", "sklearn:linear", "lightgbm")
    for ending in ("", " bagged")
)
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
