"""Spec templates for `declnet new`."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_plugins.standard.templates.commented_toml import Line as Line
    from declnet_plugins.standard.templates.commented_toml import joined as joined
    from declnet_plugins.standard.templates.commented_toml import toml as toml
    from declnet_plugins.standard.templates.data_lines import INDICATORS as INDICATORS
    from declnet_plugins.standard.templates.data_lines import data_section as data_section
    from declnet_plugins.standard.templates.data_lines import finite as finite
    from declnet_plugins.standard.templates.data_lines import grouping as grouping
    from declnet_plugins.standard.templates.data_lines import tokenizing as tokenizing
    from declnet_plugins.standard.templates.examples import MLP as MLP
    from declnet_plugins.standard.templates.examples import Binary as Binary
    from declnet_plugins.standard.templates.examples import Classification as Classification
    from declnet_plugins.standard.templates.examples import Images as Images
    from declnet_plugins.standard.templates.examples import Linear as Linear
    from declnet_plugins.standard.templates.examples import OwnData as OwnData
    from declnet_plugins.standard.templates.examples import Regression as Regression
    from declnet_plugins.standard.templates.examples import TableTemplate as TableTemplate
    from declnet_plugins.standard.templates.examples import table_notes as table_notes
    from declnet_plugins.standard.templates.examples import usable_features_of as usable_features_of
    from declnet_plugins.standard.templates.plan import TAKEN as TAKEN
    from declnet_plugins.standard.templates.plan import Features as Features
    from declnet_plugins.standard.templates.plan import Plan as Plan
    from declnet_plugins.standard.templates.plan import folds_for as folds_for
    from declnet_plugins.standard.templates.plan import sizes_for as sizes_for
    from declnet_plugins.standard.templates.suggestions import MOST_CATEGORIES as MOST_CATEGORIES
    from declnet_plugins.standard.templates.suggestions import is_amount as is_amount
    from declnet_plugins.standard.templates.suggestions import is_category as is_category
    from declnet_plugins.standard.templates.suggestions import rare_class as rare_class
    from declnet_plugins.standard.templates.writing import calibration as calibration
    from declnet_plugins.standard.templates.writing import counts_loss as counts_loss
    from declnet_plugins.standard.templates.writing import head as head
    from declnet_plugins.standard.templates.writing import loss_head as loss_head
    from declnet_plugins.standard.templates.writing import ordinal_loss as ordinal_loss
    from declnet_plugins.standard.templates.writing import text_layers as text_layers
    from declnet_plugins.standard.templates.writing import text_vector as text_vector

TEMPLATES = {
    "binary": ("examples", "Binary"),
    "classification": ("examples", "Classification"),
    "images": ("examples", "Images"),
    "linear": ("examples", "Linear"),
    "mlp": ("examples", "MLP"),
    "own_data": ("examples", "OwnData"),
    "regression": ("examples", "Regression"),
    "table": ("examples", "TableTemplate"),
}

HELPERS = {
    "commented_toml": ("Line", "joined", "toml"),
    "data_lines": ("INDICATORS", "data_section", "finite", "grouping", "tokenizing"),
    "examples": ("table_notes", "usable_features_of"),
    "plan": ("TAKEN", "Features", "Plan", "folds_for", "sizes_for"),
    "suggestions": ("MOST_CATEGORIES", "is_amount", "is_category", "rare_class"),
    "writing": (
        "calibration",
        "counts_loss",
        "head",
        "loss_head",
        "ordinal_loss",
        "text_layers",
        "text_vector",
    ),
}
"""What other packages' templates for tables can use, by module."""

__getattr__ = lazy_names(
    __name__,
    {name: file for file, name in TEMPLATES.values()}
    | {name: file for file, names in HELPERS.items() for name in names},
)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's templates; each is imported when it is needed."""
    for type_name, (file, _) in TEMPLATES.items():
        register.lazily("template", type_name, f"{__name__}.{file}")
