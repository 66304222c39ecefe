"""Checks on sizes: held-out samples, folds, batches, and accumulated batches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from declnet.data.splits import held_out_count
from declnet.display.words import counted
from declnet.errors import Diagnostic, KeyPath
from declnet.spec.partial import PartialSpec
from declnet.training.checks.context import CheckContext


def size_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield the first error in the sizes, since it may explain others."""
    if context.train is not None and context.train.samples:
        yield from islice(_in_sizes(context, context.train.samples, context.train.in_memory), 1)


def _in_sizes(context: CheckContext, samples: int, in_memory: bool) -> Iterator[Diagnostic]:
    """Yield errors in sizes.

    Args:
        context: the run.
        samples: the number of training samples before anything is held out.
        in_memory: whether x is an array rather than mapped from a file.
    """
    spec, training, folds = context.spec, context.spec.training, context.spec.data.folds
    held_out = {name: held_out_count(samples, share) for name, share in spec.data.fractions.items()}
    for name, count in held_out.items():
        if not 0 < count < samples:
            message = (
                f"{spec.data.fractions[name]} of {counted(samples, 'sample')} leaves {count} for "
                f"{name} and {samples - count} for training"
            )
            hint = f"use a {'smaller' if count else 'larger'} fraction"
            yield _problem(("data", name), message, hint)
    varying = [number for number, step in enumerate(spec.data.prepare) if step.training_only]
    if varying and training.batch_size is None:
        message = (
            "mini-batches vary, but without batch_size, each step takes all samples as they are"
        )
        hint = "add e.g. batch_size = 128 to [training]"
        yield _problem(("data", "prepare", varying[0]), message, hint)
    rest = samples - sum(held_out.values())
    if folds is not None and rest < folds:
        message = f"{counted(rest, 'sample')}: too few for {folds} folds"
        fewer = f"use at most {rest} folds" if rest > 1 else None
        yield _problem(("data", "folds"), message, fewer)
    if training.batch_size is None and not in_memory:
        message = "data that is mapped from a file is trained on in mini-batches"
        hint = "add batch_size = 128 to [training], or mapped = false to the data source"
        yield _problem(("data", "train"), message, hint)
    if folds is not None:
        rest = _left_by_fold(spec, rest, folds)
    if spec.data.windows is not None and context.described.sets is not None:
        rest = samples = len(context.described.sets.datasets["train"])
    if training.batch_size is not None and training.batch_size > rest:
        message = f"a batch of {training.batch_size} is larger than the training data"
        held = f" ({samples - rest} of {samples} are held out)" if rest < samples else ""
        there = f"there {'is' if rest == 1 else 'are'} {counted(rest, 'sample')}{held}"
        hint = f"{there}; without batch_size, each step takes all"
        yield _problem(("training", "batch_size"), message, hint)
    batches = training.epoch_batches(rest) if rest else 0
    if training.accumulate > max(batches, 1):
        plural = "es" if batches > 1 else ""
        message = f"an epoch has {batches} batch{plural}, fewer than {training.accumulate}"
        hint = f"use at most {batches}, or a smaller batch_size"
        yield _problem(("training", "accumulate"), message, hint)


def _left_by_fold(spec: PartialSpec, samples: int, folds: int) -> int:
    """Return the size of the smallest training set among the folds, as far as it is known."""
    method = spec.data.split.method
    if method in ("grouped", "column"):  # depends on the size of the groups
        return samples
    if method == "time":
        return samples - folds * (samples // (folds + 1))
    return samples - -(-samples // folds)


def _problem(path: KeyPath, message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(message, hint, path, "E033")
