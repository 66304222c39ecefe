"""The former place of what is in `messages`."""

from declnet.spec.messages import from_here, hint_for_missing

__all__ = ["from_here", "hint_for_missing"]
