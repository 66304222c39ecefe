"""Checks on layers that take integers: whether the data holds them, within the layers' limits."""

from __future__ import annotations

from collections.abc import Iterator

from declnet.data.integer_limits import require_within
from declnet.data.splits import Data
from declnet.errors import DataError, Diagnostic, SampleName
from declnet.training.checks.context import CheckContext


def integer_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for the first number that layers do not take, or for floats in its place."""
    problems = [*_outside_limits(context)] if context.limits else []
    yield from problems or _floats(context)


def _outside_limits(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for the first number of an input that its layers do not take."""
    if context.sets is None:
        yield from context.loaded.problems
        return
    for name, part in context.sets.raw.items():

        def name_sample(position: int, name: str = name, part: Data = part) -> SampleName:
            sample = part.sample_name(position)
            return sample._replace(text=f"{name} data: {sample.text}")

        try:
            require_within(context.sets.datasets[name].inputs, context.limits, name_sample)
        except DataError as error:
            yield Diagnostic(error.message, error.hint, context.origin_of(name), error.code)
            return


def _floats(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for the first layer that takes integers, such as an embedding, on floats."""
    infos = context.train.inputs if context.train is not None else {}
    for node in filter(None, context.inferred.nodes):
        for read in sorted(node.reads_of("integer")):
            if read in infos and infos[read].dtype != "integer":
                array = f'the input "{read}"' if read else "x"
                message = f'"{node.name}" takes integers, but {array} holds floats'
                hint = "store x as integers, or use a layer that takes floats instead"
                if read:
                    hint = "give it integers only, or use a layer that takes floats instead"
                if node.reads_of("float") or any(node.inputs):
                    message = f'input {node.reads.index(read) + 1} of "{node.name}" must be '
                    message += f"integers, but {array} holds floats"
                    hint = "store them as integers, and leave them as they are in data.prepare"
                yield Diagnostic(message, hint, ("model", "layers", node.index), "E024")
                return
