"""`declnet check` and `declnet explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from declnet.cli.display.diagnostics import show_diagnostics
from declnet.cli.display.streams import print_document, print_json, print_line
from declnet.cli.options import SpecOptions, format_option

if TYPE_CHECKING:
    from declnet.registry.registry import Registry
    from declnet.spec.model import RunSpec
    from declnet.training.checks.check import Checked
    from declnet.training.choice import KernelChoice


@click.command(short_help="Validate a spec, and show its layers and memory.")
@SpecOptions.pass_to()
@click.option(
    "--engine",
    is_flag=True,
    help="Also load the data, compile a step and show which parts run without Python.",
)
@format_option("only errors and warnings, on standard output, for editors and CI.")
def check(options: SpecOptions, engine: bool, form: str) -> int:
    """Validate SPEC and print its layers and the memory that a run needs."""
    from declnet.cli.display.diagnostics import as_data
    from declnet.cli.reading import checked_spec, read
    from declnet.errors import SpecError

    path, overrides, registry = options.path, options.overrides, options.registry
    try:
        checked = checked_spec(path, overrides, registry)
        problems = checked.problems
    except SpecError as error:
        checked, problems = None, error.problems
    wrong = any(problem.severity == "error" for problem in problems)
    if form == "json":
        print_json(as_data(problems))
        return SpecError.exit_code if wrong else 0
    if checked is not None and (checked.nodes or checked.loaded is not None):
        from declnet.cli.display.result_tables import (
            print_columns,
            print_layers,
            print_memory,
            print_starting_point,
        )
        from declnet.contracts.data.table import Table

        if isinstance(checked.loaded, Table):
            if checked.sets is not None and checked.sets.is_streamed:
                sampled, rows = len(checked.loaded), len(checked.sets.blocks["train"])
                print_line(f"a sample of {sampled:,} of {rows:,} rows of the training data:")
            print_columns(checked.loaded, checked.no_features)
        if checked.nodes and not wrong:
            print_layers(checked.nodes, checked.data["train"].inputs)
            print_starting_point(checked.starting)
            if checked.memory is not None:
                print_memory(checked.memory)
            if engine:
                _print_engine(read(path, overrides, registry).require(), registry, checked)
    show_diagnostics(problems)
    return SpecError.exit_code if wrong else 0


def _print_engine(spec: RunSpec, registry: Registry, checked: Checked) -> None:
    """Print what makes the steps and why, and a row per part: what runs it, and why Python does."""
    from declnet.cli.display.terminal import print_table, print_wrapped
    from declnet.display.tables import ResultTable
    from declnet.graph.kernels import why_no_engine
    from declnet.runs.engine_parts import report_engine

    report = report_engine(spec, registry, checked)
    if report.parts is None:
        print_wrapped(f"every part of a step runs in Python: {why_no_engine(registry)}")
        return
    print_wrapped(_about_choice(report.choice))
    rows = [(part.name, part.runs, "; ".join(part.reasons)) for part in report.parts]
    print_table(ResultTable("", ("part of a step", "runs", "because it"), tuple(rows)))


def _about_choice(choice: KernelChoice) -> str:
    """Return what the training uses, and why."""
    from declnet.training.choice import WORTHWHILE

    if choice.decided_by != "estimate":
        uses = "compiled code" if choice.kernels == "jit" else "NumPy"
        return f'a run uses {uses}: kernels = "{choice.kernels}"'
    seconds = choice.seconds
    takes = f"about {seconds:.1g} s" if seconds < 10 else f"about {seconds:,.0f} s"
    limit = f'kernels = "auto" compiles from {WORTHWHILE:g} s on'
    if choice.kernels == "numpy":
        return f"a run uses NumPy, which takes {takes}: {limit}"
    return f"a run uses compiled code, since NumPy would take {takes}: {limit}"


WIDEST = 90
"""Maximum width of prose, in columns, even on a wider terminal."""


def _known(context: click.Context, parameter: click.Parameter, code: str | None) -> str | None:  # noqa: ARG001
    """Return a code as spelled in the catalogue, ignoring case."""
    from declnet.codes.catalogue import catalogue
    from declnet.registry.spelling import closest

    if code is None or code.upper() in catalogue():
        return code and code.upper()
    close = closest(code, map(str.lower, catalogue()))
    hint = f'did you mean "{close.upper()}"?' if close else "`declnet explain` lists all"
    raise click.BadParameter(f'there is no code "{code}" ({hint})')


@click.command(short_help="Explain an error or warning code, e.g. E010.")
@click.argument("code", required=False, callback=_known)
def explain(code: str | None) -> None:
    """Explain an error or warning CODE, e.g. E012, or list all codes."""
    from textwrap import indent

    from declnet.cli.display.table_layout import wrapped
    from declnet.cli.display.terminal import output_width, print_table
    from declnet.codes.catalogue import catalogue
    from declnet.display.tables import ResultTable

    if code is None:
        rows = tuple((entry.code, entry.title) for entry in catalogue().values())
        print_table(ResultTable("", ("code", "title"), rows))
        return
    entry = catalogue()[code]
    severity = "warning" if code.startswith("W") else "error"
    parts = [
        f"{severity}[{code}]: {entry.title}",
        "\n".join(wrapped(entry.text, min(output_width(), WIDEST))),
        "Wrong:",
        indent(entry.wrong, "    "),
        "Right:",
        indent(entry.right, "    "),
    ]
    print_document("\n\n".join(parts) + "\n")
