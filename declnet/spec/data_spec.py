"""The former place of what is in `data_section`."""

from declnet.spec.data_section import DataSpec, SplitSpec

__all__ = ["DataSpec", "SplitSpec"]
