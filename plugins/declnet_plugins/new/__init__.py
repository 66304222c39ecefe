"""New specs: the contract `Template`, the profile of a table, and the command `declnet new`.

It uses only the public API of declnet, so that another package could have provided it. Plugins add
examples and presets by the contract.
"""

from typing import TYPE_CHECKING

from declnet import lazy_names

if TYPE_CHECKING:
    from declnet_plugins.new.arrays import ArraysProfile as ArraysProfile
    from declnet_plugins.new.profile import ColumnProfile as ColumnProfile
    from declnet_plugins.new.profile import TableProfile as TableProfile
    from declnet_plugins.new.template import Template as Template
    from declnet_plugins.new.template import TemplateSpec as TemplateSpec
    from declnet_plugins.new.time_series import SeriesProfile as SeriesProfile

_NAMES = {
    "arrays": "ArraysProfile",
    "profile": "ColumnProfile TableProfile",
    "template": "Template TemplateSpec",
    "time_series": "SeriesProfile",
}

_HOME_OF = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605

__getattr__ = lazy_names(__name__, _HOME_OF)
