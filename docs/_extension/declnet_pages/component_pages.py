"""A page for each kind of component, generated from the registry."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from html import escape

from declnet.inspection.plugins.descriptions import (
    ComponentDescription,
    FieldDescription,
    describe,
)
from declnet.registry.registry import Entry, Registry
from declnet_pages.markdown import block, code, escaped, prose, table

PLURALS = {
    "layer": "Layers",
    "loss": "Losses",
    "regularizer": "Regularizers",
    "optimizer": "Optimizers",
    "initializer": "Initializers",
    "schedule": "Schedules",
    "metric": "Metrics",
    "data_source": "Data sources",
    "transform": "Transforms",
    "calibrator": "Calibrators",
    "callback": "Callbacks",
    "preset": "Presets",
    "plan": "Plans",
    "searcher": "Searchers",
    "analysis": "Analyses",
    "kernel": "Kernels",
    "engine": "Engines",
    "executor": "Executors",
    "template": "Templates",
    "exporter": "Exporters",
    "translation": "Translations",
    "importer": "Importers",
    "prediction_source": "Prediction sources",
}
"""Page titles, in the order of the index; other kinds get a title from their name."""

PLACES = {
    "layer": "Named in `[[model.layers]]`.",
    "loss": "Named in `[loss]`.",
    "regularizer": "Named by a layer's fields, e.g. `weight_regularizer` of `dense`.",
    "optimizer": "Named in `[optimizer]`.",
    "initializer": "Named by a layer's fields, e.g. `weight_initializer` of `dense`.",
    "schedule": "Named in place of a number, e.g. as `learning_rate` in `[optimizer]`.",
    "metric": "Named in the list `metrics` of `[training]`.",
    "data_source": "Named as `train`, `validation` or `test` in `[data]`.",
    "template": "No spec names one: `declnet new --template` writes a spec from it.",
    "transform": "Named in the list `prepare` of `[data]`.",
    "calibrator": "Named in the list `steps` of `[calibration]`.",
    "callback": "Named in the list `callbacks` of `[training]`.",
    "preset": 'Named by `extends = "preset:…"`; its fields are the keys of `[preset]`.',
    "plan": "No spec names one: `declnet.sweep` takes it, and `declnet resume` finds it again.",
    "searcher": "Named as `search` in `[tune]`.",
    "analysis": "Named in the list `analyses` at the top of a spec, and by `declnet evaluate "
    "--analyze`.",
    "kernel": "No spec names one: the graph uses it in place of the components that it replaces. "
    "`kernels` in `[engine]` says whether it may use compiled ones.",
    "engine": "Named as `type` in `[engine]`.",
    "executor": "No spec names one: `--on` of `declnet sweep`, `run`, `tune` and `resume` does.",
    "exporter": "No spec names one: `declnet export` chooses it by the file's suffix, or by "
    "`--format`.",
    "translation": "No spec names one: an exporter of its format uses it for the components that "
    "it can write.",
    "importer": "No spec names one: `declnet import` chooses it by the suffix of a file, or by "
    "`--format`.",
    "prediction_source": "No spec names one: `declnet diff A B --data ROWS` chooses it by the "
    "suffix of a file or the scheme of a URL.",
}
"""Where a spec names a component of each kind."""

ASSIGNMENTS = {
    "regularizer": "weight_regularizer = {}",
    "initializer": "weight_initializer = {}",
    "schedule": "learning_rate = {}",
    "metric": "metrics = [{}]",
    "data_source": "train = {}",
    "transform": "prepare = [{}]",
    "calibrator": "steps = [{}]",
    "callback": "callbacks = [{}]",
    "searcher": "search = {}",
    "analysis": "analyses = [{}]",
}
"""How examples assign an inline table of each kind."""


def component_pages(registry: Registry) -> dict[str, str]:
    """Return the pages by file name: an index, and one for each kind that has a component."""
    kinds = sorted(registry.kinds(), key=_position)
    pages = {f"{kind}.md": _page(kind, registry.entries(kind)) for kind in kinds}
    return {"index.md": _index(registry, kinds), **pages}


def title_of(kind: str) -> str:
    """Return the title of a kind's page."""
    return PLURALS.get(kind, kind.replace("_", " ").capitalize() + "s")


def _position(kind: str) -> tuple[int, str]:
    known = list(PLURALS)
    return (known.index(kind) if kind in known else len(known), kind)


def _index(registry: Registry, kinds: Iterable[str]) -> str:
    rows = [
        (
            f"[{title_of(kind)}](./{kind}.md)",
            ", ".join(f"[{code(name)}](#{label(kind, name)})" for name in registry.types(kind)),
        )
        for kind in kinds
    ]
    toctree = block("\n".join([":hidden:", "", *(f"{kind}" for kind in kinds)]), "{toctree}")
    return (
        "# Components\n\n"
        "Every component that was installed when these pages were built. "
        "On your machine, `declnet plugins` lists the installed components, and "
        "`declnet plugins show` prints the same details as these pages.\n\n"
        f"{table(('kind', 'types'), rows)}\n{toctree}"
    )


def label(kind: str, name: str) -> str:
    """Return the link target of a component's section."""
    return f"{kind}-{name}"


def _page(kind: str, entries: Iterable[Entry]) -> str:
    parts = [f"# {title_of(kind)}\n", PLACES.get(kind, ""), ""]
    parts += [component_section(entry) for entry in entries]
    return "\n".join(parts)


def component_section(entry: Entry) -> str:
    """Return the section of one component, with the details of `declnet plugins show`."""
    described = describe(entry.component, str(entry.plugin))
    parts = [
        f"({label(described.kind, described.type)})=\n## {described.type}\n",
        block(described.summary, "text") if described.summary else "",
        _fields(described.fields),
        _facts(described),
        *(_example(described.kind, example) for example in described.examples),
        _source(entry),
    ]
    return "\n".join(part for part in parts if part)


def _fields(fields: Iterable[FieldDescription]) -> str:
    rows = [field_row(field) for field in fields]
    return table(("key", "type", "default", "range", ""), rows) if rows else ""


def field_row(field: FieldDescription) -> tuple[str, str, str, str, str]:
    """Return a row of a table of keys: name, type, default, range, description."""
    default = field.default if field.default in ("required", "none") else code(field.default)
    return (
        code(field.name),
        escaped(field.type.replace("_", " ")),
        default,
        escaped(field.range),
        prose(field.description),
    )


def _facts(described: ComponentDescription) -> str:
    facts = described.traits | described.parameters
    facts |= {"class": described.class_name, "plugin": described.plugin}
    return "".join(f"- {escaped(name)}: {code(value)}\n" for name, value in facts.items())


def _example(kind: str, example: str) -> str:
    """Return an example in spec syntax: a section, or a key with an inline table."""
    if not example.startswith("{"):
        return block(example, "toml")
    assignment = ASSIGNMENTS.get(kind)
    return (
        block(assignment.replace("{}", example), "toml") if assignment else block(example, "text")
    )


def _source(entry: Entry) -> str:
    """Return the class's source, collapsed; it shows the mathematics."""
    try:
        source = inspect.getsource(entry.component)
    except (OSError, TypeError):
        return ""
    summary = f"<details><summary>{escape(entry.component.__name__)}, its source</summary>"
    return f"{summary}\n\n{block(source, 'python')}\n</details>\n"
