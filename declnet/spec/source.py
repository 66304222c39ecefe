"""The former place of what is in `source_map`."""

from declnet.spec.source_map import Source

__all__ = ["Source"]
