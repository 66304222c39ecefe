"""`declnet trace`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet import SpecOptions, print_document, print_line

if TYPE_CHECKING:
    from declnet.inspection.tracing.starting import Start
    from declnet.inspection.tracing.trace import Trace

PATH = click.Path(path_type=Path)


@click.command(short_help="Show every number of one training step.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of samples, the first of the batch.  [default: 3, or all if there are fewer]",
)
@click.option(
    "--step",
    type=click.IntRange(min=0),
    metavar="N",
    help="Number of updates before the step.  [default: 0; an unfinished run starts from its "
    "newest checkpoint, a finished one from its weights]",
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME",
    help="Show only this layer; repeatable.  [default: all layers]",
)
@click.option(
    "--verify",
    is_flag=True,
    help="Compute in float64 and compare each gradient with central differences; exit with 1 if "
    "one is wrong.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    help="json: complete arrays; html: a page that needs no network.",
)
@click.option(
    "-o",
    "output",
    type=PATH,
    metavar="FILE",
    help="Write to this file.  [default: standard output]",
)
@SpecOptions.pass_to("SPEC|RUN")
def trace(
    options: SpecOptions,
    samples: int | None,
    step: int | None,
    layers: tuple[str, ...],
    verify: bool,
    form: str,
    output: Path | None,
) -> int:
    """Show one training step of a spec or a run, as it would be done by hand.

    For each layer its equation, input, parameters and output; the loss of each sample and the
    penalties; each gradient on the way back; each parameter and the optimizer's state before and
    after the update. The equations come from the components' docstrings.
    """
    from declnet import OutputError, require_free, write_atomically
    from declnet.inspection.tracing.sections import verdict
    from declnet.inspection.tracing.step import trace as trace_step
    from declnet.inspection.tracing.trace import suspects

    if output is not None:
        require_free(output, force=True)
    result = trace_step(_start(options, step, layers), samples, verify=verify)
    text = _formatted(result, layers, form)
    if output is not None:
        try:
            write_atomically(output, text.encode())
        except OSError as error:
            raise OutputError(f"{output}: cannot be written: {error.strerror or error}") from None
        print_line(output)
    else:
        print_document(text)
    if not suspects(result):
        return 0
    if output is not None or form != "text":
        for line in verdict(result):
            print_line(line, err=True)
    return 1


def _start(options: SpecOptions, step: int | None, layers: Sequence[str]) -> Start:
    from declnet import open_run, unpacked
    from declnet.inspection.tracing.starting import spec_to_trace, start_of_run, start_of_spec

    if not unpacked(options.path).is_dir():
        spec = spec_to_trace(options.load(), step or 0)
        return start_of_spec(options.start(spec), step or 0, layers)
    if options.overrides:
        raise click.UsageError("--set changes a spec, but this is a run's folder")

    def note(sentence: str) -> None:
        print_line(f"note: {sentence}", err=True)

    return start_of_run(open_run(options.path, options.registry, notice=note), step, layers, note)


def _formatted(result: Trace, layers: Sequence[str], form: str) -> str:
    from declnet.inspection.tracing.data import as_data
    from declnet.inspection.tracing.page import as_page
    from declnet.inspection.tracing.sections import sections
    from declnet.inspection.tracing.text import as_text

    if form == "json":
        return json.dumps(as_data(result, layers), ensure_ascii=False) + "\n"
    return (as_page if form == "html" else as_text)(sections(result, layers))
