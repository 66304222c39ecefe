"""A portfolio: different models of the same folds, whose predictions are weighed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

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
from declnet_plugins.standard.templates.plan import Plan, folds_for
from declnet_plugins.standard.templates.writing import calibration_section, head, metrics_line
from declnet_plugins.tabular.presets.realmlp import RealMLPTD

FEWEST_EPOCHS = {5: 16, 3: 8}
"""The numbers of folds, and the epochs that the last model must be able to train in each."""

SECTION = re.compile(r"(\[+)([a-z].*)")


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
        return plan.sizes.epochs * self.template.seconds_per_epoch(plan)


PARTS = (Part(Linear(), 5.0), Part(MLP(), 15.0), Part(RealMLPTD(), 40.0))
"""A minute for 10,000 rows of 20 columns, and less for smaller tables."""


class Portfolio(RealMLPTD):
    """A linear model, a plain network and RealMLP-TD in the same folds, with selected weights.

    Weights are selected on rows that a model has not seen. A table with too few rows for folds, or
    so many that the models would have few epochs, gets RealMLP-TD alone, as does `--folds 1`.
    """

    type = "portfolio"

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return the spec of all models: what they share, then what each adds."""
        installed = installed_components(registry)
        plans = _plans(table, installed)
        if not plans:
            return super().spec_for_table(replace(table, folds=1), registry)
        shared = plans[-1]
        parts = [(part.template, plan) for part, plan in zip(PARTS, plans, strict=True)]
        members = {template.type: template.sections(plan) for template, plan in parts}
        losses = [sections.losses for sections in members.values()]
        alike = losses[-1] if all(others == losses[-1] for others in losses) else []
        training = ["[training]", *metrics_line(replace(shared, is_member=False))]
        blocks = [
            [*head(shared), ('weights = "selected"', "by predictions out of fold")],
            data_section(shared),
            *alike,
            training if len(training) > 1 else [],
            calibration_section(shared),
        ]
        for name, sections in members.items():
            own = sections if not alike else replace(sections, losses=[])
            blocks += [*_member(name, own)]
        return joined(blocks)

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:
        """Return how long training takes, besides the notes of RealMLP-TD."""
        plans = _plans(table, frozenset())
        time = (_about(plans),) if plans else ()
        return (*time, *super().notes_for_table(table))


def _plans(table: TableProfile, installed: frozenset[str]) -> list[Plan]:
    """Return a plan for each part with the same folds; none without folds."""
    number = folds_for(table, quick=True)
    options = [number] if table.folds is not None else [n for n in FEWEST_EPOCHS if n <= number]
    for folds in options:
        plans = [part.plan(replace(table, folds=folds), installed) for part in PARTS]
        enough = plans[-1].sizes.epochs >= FEWEST_EPOCHS.get(folds, 1)
        if folds > 1 and (enough or table.folds is not None):
            return plans
    return []


def _about(plans: list[Plan]) -> str:
    """Return how many models are trained, and how long that takes."""
    pairs = zip(PARTS, plans, strict=True)
    seconds = sum(part.seconds_for(plan) for part, plan in pairs)
    names = ", ".join(part.template.type for part in PARTS)
    return (
        f"trains {names} in each of {plans[0].folds} folds and weighs their predictions, in about "
        f"{_rounded(seconds)} s of processor time; --preset chooses one of them"
    )


def _rounded(seconds: float) -> int:
    """Return seconds with one digit, but 15 rather than 10 or 20."""
    digits = max(1.0, seconds)
    unit = 10.0 ** (len(str(int(digits))) - 1) / 2
    return max(1, round(round(digits / unit) * unit))


def _member(name: str, sections: Sections) -> Iterator[list[Line]]:
    """Yield the sections of a member."""
    yield [
        "# " + "-" * 70,
        "[[members]]",
        f"name = {toml(name)}",
    ]
    prepare = [*prepare_lines(sections.prepare)]
    inputs = [*inputs_section(sections.inputs)] if sections.inputs else []
    for block in (["[data]", *prepare] if prepare else [], inputs, *sections.blocks):
        yield [_nested(line) for line in block]


def _nested(line: Line) -> Line:
    """Return the line with a section's name as one of a member."""
    if isinstance(line, tuple):
        return line
    return SECTION.sub(r"\1members.\2", line, count=1) if line.startswith("[") else line
