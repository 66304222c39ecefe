"""The former place of what is in `model`."""

from declnet.spec.model import fold_specs

__all__ = ["fold_specs"]
