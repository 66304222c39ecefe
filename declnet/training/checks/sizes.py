"""Checks on sizes: held-out samples, folds, batches, and accumulated batches."""

from __future__ import annotations

from declnet.data.splits import held_out_count
from declnet.display.words import counted
from declnet.errors import Diagnostic, KeyPath
from declnet.spec.model import TrainingSpec
from declnet.spec.partial import PartialSpec


def size_problems(
    spec: PartialSpec, samples: int, in_memory: bool, windows: int | None = None
) -> list[Diagnostic]:
    """Return the errors in the sizes, at most one.

    Args:
        samples: number of training samples before anything is held out.
        in_memory: whether x is an array rather than mapped from a file.
        windows: number of windows in the training data, if there are any.
    """
    out = {name: held_out_count(samples, share) for name, share in spec.data.fractions.items()}
    for name, count in out.items():
        if not 0 < count < samples:
            message = (
                f"{spec.data.fractions[name]} of {counted(samples, 'sample')} leaves {count} for "
                f"{name} and {samples - count} for training"
            )
            hint = f"use a {'smaller' if count else 'larger'} fraction"
            return [_problem(("data", name), message, hint)]
    varied = [number for number, each in enumerate(spec.data.prepare) if each.training_only]
    if varied and spec.training.batch_size is None:
        message = (
            "mini-batches vary, but without batch_size, each step takes all samples as they are"
        )
        return [
            _problem(
                ("data", "prepare", varied[0]), message, "add e.g. batch_size = 128 to [training]"
            )
        ]
    rest = samples - sum(out.values())
    folds = spec.data.folds
    if folds is not None and rest < folds:
        message = f"{counted(rest, 'sample')}: too few for {folds} folds"
        fewer = f"use at most {rest} folds" if rest > 1 else None
        return [_problem(("data", "folds"), message, fewer)]
    if spec.training.batch_size is None and not in_memory:
        message = "data that is mapped from a file is trained on in mini-batches"
        hint = "add batch_size = 128 to [training], or mapped = false to the data source"
        return [_problem(("data", "train"), message, hint)]
    if folds is not None:
        rest = _left_by_fold(spec, rest, folds)
    if windows is not None:
        rest = samples = windows
    if spec.training.batch_size is not None and spec.training.batch_size > rest:
        message = f"a batch of {spec.training.batch_size} is larger than the training data"
        held = f" ({samples - rest} of {samples} are held out)" if rest < samples else ""
        there = f"there {'is' if rest == 1 else 'are'} {counted(rest, 'sample')}{held}"
        hint = f"{there}; without batch_size, each step takes all"
        return [_problem(("training", "batch_size"), message, hint)]
    return _group_problems(spec.training, rest)


def _group_problems(training: TrainingSpec, samples: int) -> list[Diagnostic]:
    batches = training.epoch_batches(samples) if samples else 0
    if training.accumulate <= max(batches, 1):
        return []
    plural = "es" if batches > 1 else ""
    message = f"an epoch has {batches} batch{plural}, fewer than {training.accumulate}"
    hint = f"use at most {batches}, or a smaller batch_size"
    return [_problem(("training", "accumulate"), message, hint)]


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
