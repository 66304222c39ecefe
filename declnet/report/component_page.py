"""What `declnet plugins show` prints of a component."""

from __future__ import annotations

import sys

from declnet.report.component_description import ComponentDescription
from declnet.report.terminal import print_table


def print_component(component: ComponentDescription) -> None:
    """Kind, docstring, fields, traits, origin, and examples in TOML."""
    write = sys.stdout.write
    write(f'{component.kind} "{component.type}"\n\n{component.summary}\n\n')
    if component.fields:
        rows = [
            (each.name, each.type, each.default, each.range, each.description)
            for each in component.fields
        ]
        print_table(None, ("field", "type", "default", "range", "description"), rows)
    origin = {"class": component.class_name, "plugin": component.plugin, "source": component.source}
    for name, value in (component.traits | component.parameters | origin).items():
        write(f"{name}: {value}\n")
    for example in component.examples:
        write(f"\nexample:\n{_indented(example)}\n")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
