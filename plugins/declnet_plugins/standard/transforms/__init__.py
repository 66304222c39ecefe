"""Transforms."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_plugins.standard.transforms.categories import GroupRare as GroupRare
    from declnet_plugins.standard.transforms.categories import OneHot as OneHot
    from declnet_plugins.standard.transforms.categories import Ordinal as Ordinal
    from declnet_plugins.standard.transforms.dates import Datetime as Datetime
    from declnet_plugins.standard.transforms.images import Augment as Augment
    from declnet_plugins.standard.transforms.images import Normalize as Normalize
    from declnet_plugins.standard.transforms.impute import Impute as Impute
    from declnet_plugins.standard.transforms.impute import MissingIndicator as MissingIndicator
    from declnet_plugins.standard.transforms.quantile import Quantile as Quantile
    from declnet_plugins.standard.transforms.scaling import Log as Log
    from declnet_plugins.standard.transforms.scaling import MinMax as MinMax
    from declnet_plugins.standard.transforms.scaling import SignedLog as SignedLog
    from declnet_plugins.standard.transforms.scaling import Standardize as Standardize
    from declnet_plugins.standard.transforms.text import Tokenize as Tokenize

TRANSFORMS = {
    "augment": ("images", "Augment"),
    "datetime": ("dates", "Datetime"),
    "group_rare": ("categories", "GroupRare"),
    "impute": ("impute", "Impute"),
    "log": ("scaling", "Log"),
    "min_max": ("scaling", "MinMax"),
    "missing_indicator": ("impute", "MissingIndicator"),
    "normalize": ("images", "Normalize"),
    "one_hot": ("categories", "OneHot"),
    "ordinal": ("categories", "Ordinal"),
    "quantile": ("quantile", "Quantile"),
    "signed_log": ("scaling", "SignedLog"),
    "standardize": ("scaling", "Standardize"),
    "tokenize": ("text", "Tokenize"),
}

__getattr__ = lazy_names(__name__, {name: file for file, name in TRANSFORMS.values()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for type_name, (file, _) in TRANSFORMS.items():
        register.lazily("transform", type_name, f"{__name__}.{file}")
