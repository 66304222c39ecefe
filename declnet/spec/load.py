"""The former place of what is in `validate`."""

from declnet.spec.validate import ParsedSpec as Reading
from declnet.spec.validate import load_spec, parse_spec, read_spec

__all__ = ["Reading", "load_spec", "parse_spec", "read_spec"]
