"""The former place of what is in `partial`."""

from declnet.spec.partial import PartialSpec as Parts

__all__ = ["Parts"]
