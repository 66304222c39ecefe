"""The former place of what is in `diagnostics`."""

from declnet.cli.diagnostics import show_diagnostics as show_problems

__all__ = ["show_problems"]
