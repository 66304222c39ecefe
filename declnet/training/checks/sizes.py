"""Whether there are enough samples for what is held out, and for a batch of the rest."""

from __future__ import annotations

from declnet.data.split_methods import held_out_count
from declnet.errors import Diagnostic, KeyPath
from declnet.spec.partial import PartialSpec


def size_problems(spec: PartialSpec, samples: int, in_memory: bool) -> list[Diagnostic]:
    """What is wrong with the sizes, one problem at most.

    Args:
        spec: the run's.
        samples: of the training data before anything is held out.
        in_memory: whether x is an array, not a map of a file.
    """
    out = {name: held_out_count(samples, share) for name, share in spec.data.fractions.items()}
    for name, count in out.items():
        if not 0 < count < samples:
            message = (
                f"{spec.data.fractions[name]} of {samples} samples leaves {count} for {name} and "
                f"{samples - count} for training"
            )
            hint = f"take a {'smaller' if count else 'larger'} fraction"
            return [_problem(("data", name), message, hint)]
    varied = [number for number, each in enumerate(spec.data.prepare) if each.training_only]
    if varied and spec.training.batch_size is None:
        message = (
            "mini-batches vary, but without batch_size each step takes all samples as they are"
        )
        return [
            _problem(
                ("data", "prepare", varied[0]), message, "add e.g. batch_size = 128 to [training]"
            )
        ]
    rest = samples - sum(out.values())
    folds = spec.data.folds
    if folds is not None and rest < folds:
        message = f"{rest} samples are too few for {folds} folds"
        return [_problem(("data", "folds"), message, f"take at most {rest} folds")]
    if spec.training.batch_size is None and not in_memory:
        message = "data that is mapped from a file is trained on in mini-batches"
        hint = "add batch_size = 128 to [training], or mapped = false to the data source"
        return [_problem(("data", "train"), message, hint)]
    if folds is not None:
        rest = _left_by_fold(spec, rest, folds)
    if spec.training.batch_size is not None and spec.training.batch_size > rest:
        message = f"a batch of {spec.training.batch_size} is larger than the training data"
        held = f" ({samples - rest} of {samples} are held out)" if rest < samples else ""
        hint = f"there are {rest} samples{held}; without batch_size each step takes all"
        return [_problem(("training", "batch_size"), message, hint)]
    return []


def _left_by_fold(spec: PartialSpec, samples: int, folds: int) -> int:
    """How many samples the smallest training set of the folds has, as far as it can be told."""
    method = spec.data.split.method
    if method in ("grouped", "column"):  # as large as the groups are
        return samples
    if method == "time":
        return samples - folds * (samples // (folds + 1))
    return samples - -(-samples // folds)


def _problem(path: KeyPath, message: str, hint: str) -> Diagnostic:
    return Diagnostic(message, hint, path, "E033")
