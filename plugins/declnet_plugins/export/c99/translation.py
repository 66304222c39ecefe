"""The base of all translations to C99."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from declnet_plugins.exchange import Translation, TranslationSite
from declnet_plugins.export.c99.writer import CWriter, Value

TEXT_END = """
/* The end of a text without the spaces and tabs there. */
static const char *$name(const char *text)
{
    const char *end = text;
    while (*end != 0) end++;
    while (end > text && (end[-1] == ' ' || end[-1] == '\\t')) end--;
    return end;
}
"""


class CTranslation(Translation):
    """A translation that adds steps to a program; a subclass implements `write`."""

    format = "c"

    def translate(self, component: Any, site: TranslationSite) -> tuple[Value, ...]:
        """Write the steps of a component."""
        values = self.write(component, site, site.writer)
        return (values,) if isinstance(values, Value) else values

    @abstractmethod
    def write(self, component: Any, site: TranslationSite, w: CWriter) -> Value | tuple[Value, ...]:
        """Add the steps of a component and return the arrays that they fill."""
        raise NotImplementedError


def step(
    site: TranslationSite, body: str, inputs: Mapping[str, Value] | None = None, **more: Any
) -> Value:
    """Add a step that computes the output of a site.

    Args:
        site: the component's place.
        body: as for `CWriter.compute`.
        inputs: the arrays that it reads, by name; default: `x`, the only input.
        more: further arguments and terms of `CWriter.compute`.
    """
    writer: CWriter = site.writer
    return writer.compute(
        site.name, body, inputs or {"x": site.inputs[0]}, site.output_shape, **more
    )


def check_lengths(w: CWriter, lengths: Value | None, time: int) -> None:
    """Refuse lengths that sequences cannot have, if there are lengths."""
    if lengths is not None:
        w.refuse(lengths, f"x[i] < 0 || x[i] > {time}")


def text_end(w: CWriter) -> str:
    """Return the name of a function that returns the end of a cell's text."""
    return w.helper("text_end", TEXT_END)
