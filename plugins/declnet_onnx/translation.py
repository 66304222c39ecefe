"""The base of all translations to ONNX."""

from __future__ import annotations

from typing import Any

from declnet_onnx.writer import GraphWriter

Site = Any


class OnnxTranslation:
    """A translation that adds nodes to a graph; a subclass implements `write`."""

    format = "onnx"
    replaces: tuple[Any, ...] = ()

    def translate(self, component: Any, site: Site) -> tuple[str, ...]:
        """Write the nodes of a component, which are named for it."""
        writer: GraphWriter = site.writer
        with writer.scope(site.name):
            found = self.write(component, site, writer)
        return (found,) if isinstance(found, str) else tuple(found)

    def write(self, component: Any, site: Site, w: GraphWriter) -> str | tuple[str, ...]:
        """Add the nodes and return the values that they give."""
        raise NotImplementedError


class UntranslatableError(ValueError):
    """A component cannot be written, or not with these settings; the message says what to do."""
