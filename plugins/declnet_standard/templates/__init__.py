"""Spec templates for `declnet new`."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.templates.examples import Binary as Binary
    from declnet_standard.templates.examples import Classification as Classification
    from declnet_standard.templates.examples import Images as Images
    from declnet_standard.templates.examples import OwnData as OwnData
    from declnet_standard.templates.examples import Regression as Regression
    from declnet_standard.templates.examples import TableTemplate as TableTemplate
    from declnet_standard.templates.plan import Features as Features
    from declnet_standard.templates.plan import features_of as features_of

TEMPLATES = {
    "binary": ("examples", "Binary"),
    "classification": ("examples", "Classification"),
    "images": ("examples", "Images"),
    "own_data": ("examples", "OwnData"),
    "regression": ("examples", "Regression"),
    "table": ("examples", "TableTemplate"),
}

__getattr__ = lazy_names(
    __name__,
    {"Features": "plan", "features_of": "plan"} | {name: file for file, name in TEMPLATES.values()},
)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's templates; each is imported when it is needed."""
    for type_name, (file, name) in TEMPLATES.items():
        register.lazily("template", type_name, f"{__name__}.{file}:{name}")
