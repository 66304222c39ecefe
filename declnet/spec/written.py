"""The former place of what is in `source_map`."""

from declnet.spec.source_map import SourceMap as Written

__all__ = ["Written"]
