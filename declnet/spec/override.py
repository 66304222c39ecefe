"""The former place of what is in `overrides`."""

from declnet.spec.overrides import SOURCE, Override, override_of, parse_override

__all__ = ["SOURCE", "Override", "override_of", "parse_override"]
