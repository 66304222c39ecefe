"""A portfolio: different models of the same folds, whose predictions are weighed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from declnet import Registry
from declnet_plugins.new import TableProfile
from declnet_plugins.standard.templates.commented_toml import Line, joined, toml
from declnet_plugins.standard.templates.data_lines import (
    data_section,
    inputs_section,
    prepare_lines,
)
from declnet_plugins.standard.templates.examples import MLP, Linear
from declnet_plugins.standard.templates.model_template import (
    ModelTemplate,
    Sections,
    installed_components,
)
from declnet_plugins.standard.templates.plan import Plan, features_of, folds_for
from declnet_plugins.standard.templates.writing import calibration_section, head, metrics_line
from declnet_plugins.tabular.presets.realmlp import RealMLPTD

FEWEST_EPOCHS = {5: 16, 3: 8}
"""The numbers of folds, and the epochs that the last model must be able to train in each."""

SECTION = re.compile(r"^(\[+)(?=[a-z])")
RUN = 0.2
"""Processor time of a run without its epochs."""
RULE = f"# {'-' * 70}"


@dataclass(frozen=True)
class Part:
    """One of the models of a portfolio.

    Attributes:
        template: what writes it.
        seconds: the processor time that it may take, about, in all folds.
    """

    template: ModelTemplate
    seconds: float

    def plan(self, table: TableProfile, installed: frozenset[str]) -> Plan:
        """Return its choices for a table with folds, with as many epochs as the time allows."""
        plan = replace(self.template.plan(table, installed), is_member=True)
        return plan.with_epochs(max(1, int(self.seconds / self.template.seconds_per_epoch(plan))))

    def seconds_for(self, plan: Plan) -> float:
        """Return about how much processor time it takes in all folds."""
        return plan.folds * RUN + plan.sizes.epochs * self.template.seconds_per_epoch(plan)


PARTS = (Part(Linear(), 4.0), Part(MLP(), 15.0), Part(RealMLPTD(), 38.0))
"""A minute for 10,000 rows of 20 columns, and less for smaller tables."""


class Portfolio(RealMLPTD):
    """A linear model, a plain network and RealMLP-TD in the same folds, with selected weights.

    Weights are selected on rows that a model has not seen. A table with too few rows for folds, or
    so many that the models would have few epochs, gets RealMLP-TD alone, as does `--folds 1`; texts
    alone get a linear model.
    """

    type = "portfolio"
    default_for = "table"

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return the spec of all models: what they share, then what each adds."""
        plans = _plans(table, installed_components(registry))
        if not plans:
            alone = table if not features_of(table).others else replace(table, folds=1)
            return super().spec_for_table(alone, registry)
        pairs = zip(PARTS, plans, strict=True)
        members = {part.template.type: part.template.sections(plan) for part, plan in pairs}
        shared = plans[-1]  # its predictions of numbers are clamped
        training = ["[training]", *metrics_line(replace(shared, is_member=False))]
        return joined(
            (
                [
                    *head(shared, _about(plans)),
                    ('weights = "selected"', "of the members, out of fold"),
                ],
                data_section(shared),
                training if len(training) > 1 else (),
                calibration_section(shared),
                *(block for name, own in members.items() for block in _member(name, own)),
            )
        )

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:
        """Return the notes of RealMLP-TD, and how long training takes."""
        plans = _plans(table, frozenset())
        about = " ".join(_about(plans)) if plans else ""
        time = (f"{about[0].lower()}{about[1:-1]}",) if plans else ()
        return (*super().notes_for_table(table), *time)


def _plans(table: TableProfile, installed: frozenset[str]) -> list[Plan]:
    """Return a plan for each part, all with the same folds; none for a single model."""
    if not features_of(table).others:
        return []
    most = folds_for(table, quick=True)
    asked = table.folds is not None
    for folds in (most,) if asked else FEWEST_EPOCHS:
        if 1 < folds <= most:
            plans = [part.plan(replace(table, folds=folds), installed) for part in PARTS]
            if asked or plans[-1].sizes.epochs >= FEWEST_EPOCHS[folds]:
                return plans
    return []


def _about(plans: list[Plan]) -> tuple[str, ...]:
    """Return lines on how many models are trained, and how long that takes."""
    pairs = zip(PARTS, plans, strict=True)
    seconds = _rounded(sum(part.seconds_for(plan) for part, plan in pairs))
    names = ", ".join(part.template.type for part in PARTS)
    return (
        f"Trains {names} in each of {plans[0].folds} folds and weighs their predictions,",
        f"in about {seconds} s of processor time; --preset NAME writes one of them alone.",
    )


def _rounded(seconds: float) -> int:
    """Return seconds rounded up to 1, 2, 3 ..., 10, 15, 20 ... 100, 150 and so on."""
    unit = max(1, int(10 ** (len(str(ceil(seconds))) - 1)) // 2)
    return ceil(seconds / unit) * unit


def _member(name: str, sections: Sections) -> Iterator[list[Line]]:
    """Yield the sections of a member."""
    prepare = [*prepare_lines(sections.prepare)]
    inputs = [*inputs_section(sections.inputs)] if sections.inputs else []
    yield [RULE, "[[members]]", f"name = {toml(name)}"]
    for block in (["[data]", *prepare] if prepare else [], inputs, *sections.blocks):
        yield [_nested(line) for line in block]


def _nested(line: Line) -> Line:
    """Return the line with a section's name as one of a member."""
    if isinstance(line, tuple):
        return line
    return SECTION.sub(r"\1members.", line) if line.startswith("[") else line
