"""The base of all translations to ONNX."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from declnet_plugins.exchange import Translation, TranslationSite
from declnet_plugins.onnx.writer import GraphWriter


class OnnxTranslation(Translation):
    """A translation that adds nodes to a graph; a subclass implements `write`.

    Handles are the names of values. Layers, and the predictions of losses, compute in float32;
    transforms and calibrators in float64.
    """

    format = "onnx"

    def translate(self, component: Any, site: TranslationSite) -> tuple[str, ...]:
        """Write the nodes of a component, which are named for it."""
        writer: GraphWriter = site.writer
        with writer.scope(site.name):
            values = self.write(component, site, writer)
        return (values,) if isinstance(values, str) else tuple(values)

    @abstractmethod
    def write(self, component: Any, site: TranslationSite, w: GraphWriter) -> str | tuple[str, ...]:
        """Add the nodes of a component and return the values that they give."""
        raise NotImplementedError
