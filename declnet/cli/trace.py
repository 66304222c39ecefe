"""`declnet trace`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from declnet.cli.display.streams import print_document, print_line
from declnet.cli.options import PATH, no_plugin_option, registry_without, set_option
from declnet.cli.reading import valid_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from declnet.contracts.arrays import Array
    from declnet.contracts.component import Component
    from declnet.inspection.differences import Differences
    from declnet.inspection.starting import Start
    from declnet.inspection.trace import Trace, TracedLayer, TracedLoss, TracedParameter
    from declnet.registry.registry import Registry


@click.command(short_help="Show every number of one training step.")
@click.argument("source", metavar="SPEC|RUN", type=PATH)
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
@set_option
@no_plugin_option
def trace(
    source: Path,
    samples: int | None,
    step: int | None,
    layers: tuple[str, ...],
    verify: bool,
    form: str,
    output: Path | None,
    overrides: tuple[str, ...],
    disabled: tuple[str, ...],
) -> int:
    """Show one training step of a spec or a run, as it would be done by hand.

    For each layer its equation, input, parameters and output; the loss of each sample and the
    penalties; each gradient on the way back; each parameter and the optimizer's state before and
    after the update. The equations come from the components' docstrings.
    """
    from declnet.inspection.trace import suspects
    from declnet.inspection.tracing import trace as made
    from declnet.runs.storage.writing import require_free, whole_file

    if output is not None:
        require_free(output, force=True)
    registry = registry_without(disabled)
    found = made(_start(source, step, layers, overrides, registry), samples, verify=verify)
    text = _formatted(found, layers, form)
    if output is not None:
        with whole_file(output, force=True) as file:
            file.write(text.encode())
        print_line(output)
    else:
        print_document(text)
    if not suspects(found):
        return 0
    if output is not None or form != "text":
        from declnet.cli.tracing.sections import verdict

        for line in verdict(found):
            print_line(line, err=True)
    return 1


def _start(
    source: Path,
    step: int | None,
    layers: Sequence[str],
    overrides: tuple[str, ...],
    registry: Registry,
) -> Start:
    from declnet.cli.display.diagnostics import show_diagnostics
    from declnet.inspection.starting import start_of_run, start_of_spec

    if source.is_dir():
        if overrides:
            raise click.UsageError("--set changes a spec, but this is a run's folder")

        def note(sentence: str) -> None:
            print_line(f"note: {sentence}", err=True)

        return start_of_run(source, registry, step, layers, note)
    spec, checked = valid_spec(source, overrides, registry)
    show_diagnostics(checked.problems)
    return start_of_spec(spec, registry, step or 0, layers, checked)


def _formatted(found: Trace, layers: Sequence[str], form: str) -> str:
    import json

    from declnet.cli.tracing.page import as_page
    from declnet.cli.tracing.sections import sections
    from declnet.cli.tracing.text import as_text

    if form == "json":
        return json.dumps(as_data(found, layers), ensure_ascii=False) + "\n"
    return {"text": as_text, "html": as_page}[form](sections(found, layers))


def as_data(found: Trace, layers: Sequence[str] = ()) -> dict[str, Any]:
    """Return a trace as plain values, with complete arrays as lists; of some layers if named."""
    from declnet.contracts.network.inputs import unwrapped
    from declnet.inspection.trace import suspects

    shown = [layer for layer in found.layers if not layers or layer.name in layers]
    data = {
        "name": found.spec.name,
        "origin": found.origin,
        "step": found.step,
        "steps": found.steps,
        "epoch": found.epoch,
        "batch": found.batch,
        "positions": found.positions.tolist(),
        "batch_size": found.batch_size,
        "dtype": found.dtype,
        "input": unwrapped({name: _plain(x) for name, x in found.x.items()}),
        "layers": [_layer(each) for each in shown],
        "loss": {
            **_losses(found),
            "sample_weights": _plain(found.weights),
            "data_loss": found.data_loss,
            "penalty": found.penalty,
            "loss": found.loss,
        },
        "optimizer": {**_component(found.spec.optimizer), "learning_rate": found.rate},
    }
    if found.checks:
        data["verification"] = {
            "compared": sum(check.compared for check in found.checks),
            "largest_error": max(check.error for check in found.checks),
            "wrong": [check.name for check in found.checks if not check.passed],
            "suspects": list(suspects(found)),
        }
    return data


def _losses(found: Trace) -> dict[str, Any]:
    """Return the only loss with its arrays, or several by name."""

    def arrays(each: TracedLoss) -> dict[str, Any]:
        declared = _component(each.head.loss)
        return {**declared, "y_true": _plain(each.y_true), "losses": _plain(each.losses)}

    if not found.losses[0].head.name:
        return arrays(found.losses[0])
    return {
        "losses": {
            loss.head.name: {
                **arrays(loss),
                "output": loss.output,
                "weight": loss.head.weight,
                "mean": loss.mean,
            }
            for loss in found.losses
        }
    }


def _component(component: Component) -> dict[str, Any]:
    from declnet.inspection.equations import equations, gradient_equations

    stated = {
        "equations": equations(component),
        "gradient_equations": gradient_equations(component),
    }
    return {"type": component.type, **{name: list(each) for name, each in stated.items()}}


def _layer(layer: TracedLayer) -> dict[str, Any]:
    return {
        "name": layer.name,
        **_component(layer.layer),
        "inputs": list(layer.inputs),
        "x": [_plain(each) for each in layer.x],
        "y": _plain(layer.y),
        "dy": _plain(layer.dy),
        **_differences(layer.check),
        "parameters": {parameter.name: _parameter(parameter) for parameter in layer.parameters},
    }


def _parameter(parameter: TracedParameter) -> dict[str, Any]:
    return {
        "before": _plain(parameter.before),
        "gradient": _plain(parameter.gradient),
        "clipped_gradient": _plain(parameter.clipped),
        "penalty": parameter.penalty,
        "penalty_gradient": _plain(parameter.penalty_gradient),
        "state_before": {name: _plain(each) for name, (each, _) in parameter.state.items()},
        "state_after": {name: _plain(each) for name, (_, each) in parameter.state.items()},
        "after": _plain(parameter.after),
        **_differences(parameter.check),
    }


def _differences(check: Differences | None) -> dict[str, Any]:
    if check is None:
        return {}
    return {
        "central_differences": {
            "values": _plain(check.numeric),
            "compared": check.compared,
            "kinks": check.kinks,
            "clipped": check.clipped,
            "largest_error": check.error,
        }
    }


def _plain(array: Array | None) -> Any:
    """Return an array as nested lists; None for numbers that are not finite."""
    if array is None:
        return None
    import numpy as np

    plain = array.astype(object)
    if array.dtype.kind == "f":
        plain[~np.isfinite(array)] = None
    return plain.tolist()
