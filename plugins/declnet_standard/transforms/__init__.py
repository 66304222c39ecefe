"""Transforms, one per file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.transforms.augment import Augment as Augment
    from declnet_standard.transforms.impute import Impute as Impute
    from declnet_standard.transforms.min_max import MinMax as MinMax
    from declnet_standard.transforms.normalize import Normalize as Normalize
    from declnet_standard.transforms.one_hot import OneHot as OneHot
    from declnet_standard.transforms.ordinal import Ordinal as Ordinal
    from declnet_standard.transforms.standardize import Standardize as Standardize

TRANSFORMS = {
    "augment": "Augment",
    "impute": "Impute",
    "min_max": "MinMax",
    "normalize": "Normalize",
    "one_hot": "OneHot",
    "ordinal": "Ordinal",
    "standardize": "Standardize",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in TRANSFORMS.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for file, name in TRANSFORMS.items():
        register.lazily("transform", file, f"{__name__}.{file}:{name}")
