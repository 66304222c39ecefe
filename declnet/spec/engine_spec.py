"""The former place of what is in `model`."""

from declnet.spec.model import EngineSpec

__all__ = ["EngineSpec"]
