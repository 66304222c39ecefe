"""The former place of what is in `partial`."""

from declnet.spec.model import RunSpec
from declnet.spec.partial import PartialSpec as Parts
from declnet.spec.partial import valid_parts

right_parts = valid_parts
__all__ = ["Parts", "parts_of", "right_parts"]


def parts_of(spec: RunSpec) -> Parts:
    """Return the parts of a valid spec."""
    return valid_parts(dict(spec), {})
