"""The former place of what is in `messages`."""

from declnet.spec.messages import shown

__all__ = ["shown"]
