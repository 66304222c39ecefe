"""The former place of what is in `model`."""

from declnet.spec.model import resolved_document, resolved_toml

__all__ = ["resolved_document", "resolved_toml"]
