"""Transforms."""

from declnet import Register, hookimpl

TRANSFORMS = {
    "categories": "group_rare one_hot ordinal",
    "dates": "datetime",
    "images": "augment normalize",
    "impute": "impute missing_indicator",
    "quantile": "quantile",
    "scaling": "log min_max signed_log standardize",
    "text": "tokenize",
}
"""The types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the transforms; each module is imported when a spec names one of its types."""
    for module, types in TRANSFORMS.items():
        for type_ in types.split():
            register.lazily("transform", type_, f"{__name__}.{module}")
