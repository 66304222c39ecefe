"""Checks on all kinds of components that compute: results do not depend on circumstances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from declnet import Array, stored_copy
from declnet.testing import checking, comparison, trial
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, called, check, require
from declnet.testing.comparison import CLOSE, CLOSE_IN_FLOAT32, difference, require_equal
from declnet.testing.examples import scheduled_variants
from declnet.testing.side_effects import held_by_modules_of
from declnet.testing.trial import CHANGED, ORDERS, SAMPLES, USUAL, VALUES, WHOLE, Setting, tried

USUAL_POWER = 4
"""What grows faster than this power may overflow."""

USES = 3
"""Uses at each of which memory must grow to be called growing."""

CUTS = ((5,), (1, 3), (4, 8, 9), tuple(range(1, SAMPLES)))
"""Where work is cut into parts."""


def require_alike(
    subject: Subject,
    base: Setting,
    other: Setting,
    advice: str,
    tolerance: float = CLOSE,
    expected: Mapping[str, Array] | None = None,
) -> None:
    """Raise CheckFailed, with advice, if a component's results differ between two settings.

    The correct results are `expected`, by default the results of `base`; other outputs are not
    compared.
    """
    right, other_trial = tried(subject, base), tried(subject, other)
    free = (base.dtype, base.order, base.input_order, base.samples)
    may_draw = (other.dtype, other.order, other.input_order, other.samples) == free
    for name, array in other_trial.outputs.items():
        results = right.outputs if expected is None else expected
        if name not in results or (name in right.drawn and not may_draw):
            continue
        fault = difference(array, results[name], tolerance)
        if fault:
            raise CheckFailed(f"{name} differs with {other}: {fault}; {advice}")


def stored_again(subject: Subject, state: Any, *methods: Callable[[Any, Any], object]) -> Any:
    """Return a component's state as written to a file and read back.

    Methods of the component are called with what is read, e.g. `Transform.verify_state`.
    """
    try:
        read = stored_copy(state)
    except ValueError as error:
        message = f"its state cannot be stored ({error}); keep numbers, text, lists, dicts, arrays"
        raise CheckFailed(message, message) from None
    for method in methods:
        called(subject, method, read)
    return read


@contextmanager
def only(*faults: type[CheckFailed]) -> Iterator[None]:
    """Keep failures of some types, and skip on all others, which other checks report."""
    try:
        yield
    except faults:
        raise
    except CheckFailed as failure:
        raise CheckSkipped(f"it cannot be used: {failure}") from failure


@check
def leaves_inputs_alone(subject: Subject) -> None:
    """Writes to nothing that it may only read: inputs, targets, parameters that are trained."""
    with only(checking.ReadOnlyWrittenError):
        for setting in ORDERS:
            tried(subject, setting)


@check
def uses_declared_state(subject: Subject) -> None:
    """Uses the attributes of `state` that it declares, and adds or replaces none."""
    with only(checking.StateReplacedError):
        tried(subject)


@check
def works_with_usual_data(subject: Subject) -> None:
    """Works with some of the kit's data for its kind, and with all that it declares."""
    tried(subject)


@check
def is_deterministic(subject: Subject) -> None:
    """Gives the same results for the same inputs and the same random stream."""
    advice = "draw only from the rng that it receives, and keep nothing between uses"
    require_alike(subject, USUAL, USUAL.but(use=1), advice, tolerance=0)


@check
def frees_its_memory(subject: Subject) -> None:
    """Holds no more in its module or class after each use, so that memory does not grow."""
    sizes = [held_by_modules_of(type(subject.instance))]
    for use in range(2, 2 + USES):
        tried(subject, USUAL.but(use=use))
        sizes.append(held_by_modules_of(type(subject.instance)))
        if sizes[-1] <= sizes[-2]:
            return
    raise CheckFailed(
        f"its module or class holds {sizes[-1] - sizes[-2]} more objects after each use; keep what "
        "it must remember in the state that it receives"
    )


@check
def keeps_uses_apart(subject: Subject) -> None:
    """Gives the same if the same instance is used elsewhere at the same time."""
    advice = "keep what changes in the state that it receives, not on the class or the module"
    require_alike(subject, USUAL, USUAL.but(beside=True), advice)


@check
def continues_when_restored(subject: Subject) -> None:
    """Continues from what was saved as if it had never stopped."""
    advice = "save all that it must remember, and restore it from there"
    rounding = CLOSE if subject.kind == "metric" else 0  # it is split into more batches
    for part in (1, 4, 12, 30):
        require_alike(subject, USUAL, USUAL.but(restored=part), advice, rounding)


@check
def parts_equal_the_whole(subject: Subject) -> None:
    """Gives the same however its work is divided into parts, and whatever comes with a part."""
    advice = "compute nothing across the elements of a part, such as its mean or norm"
    for cuts in CUTS:
        require_alike(subject, USUAL, USUAL.but(cuts=cuts), advice)


@check
def takes_float32_and_float64(subject: Subject) -> None:
    """Gives the same results in both float types, as far as float32 goes."""
    advice = "let workspaces follow the model's type; use no constants below 1e-38"
    require_alike(subject, USUAL, USUAL.but(dtype="float32"), advice, CLOSE_IN_FLOAT32)


@check
def takes_any_memory_order(subject: Subject) -> None:
    """Gives the same in C order, with the batch axis contiguous, where they meet, and in place."""
    advice = "use no reshape, ravel or view that assumes C order"
    if getattr(subject.instance, "in_place", False):
        advice += "; set in_place = False, or read each element before it is overwritten"
    declared = [
        USUAL.but(input_order=order, order=order, as_declared=True) for order in trial.BOTH_ORDERS
    ]
    for setting in (*ORDERS[1:], *(declared if subject.kind == "layer" else ())):
        require_alike(subject, USUAL, setting, advice)


@check
def follows_its_schedules(subject: Subject) -> None:
    """Gives with a schedule in a scheduled field, at each step, what it gives with its number."""
    for field, scheduled, *numbers in scheduled_variants(subject):
        for step, plain in enumerate(numbers, start=1):
            expected = tried(plain, USUAL.but(step=step)).outputs
            for name, array in tried(scheduled, USUAL.but(step=step)).outputs.items():
                fault = f"{name} with a schedule in {field} differs from that with its number"
                advice = f"read state.now.{field} at each call"
                require_equal(array, expected[name], fault, advice, tolerance=0)


@check
def writes_every_output(subject: Subject) -> None:
    """Fills its output arrays with what depends neither on them nor on what a workspace held."""
    names = "NaN", "number"
    poisons = trial.POISONS[names[0]], trial.POISONS[names[1]]
    for setting in (*ORDERS, USUAL.but(dtype="float32")):
        first, second = (tried(subject, setting.but(poison=name)) for name in names)
        for name, array in first.outputs.items():
            unwritten, read = comparison.unwritten_and_read(array, second.outputs[name], poisons)
            fault = f"{unwritten} of {array.size} elements of {name} are left unwritten"
            advice = "write all of them in place, e.g. with out="
            require(not unwritten, f"{fault} (with {setting}); {advice}")
            fault = f"{read} of {array.size} elements of {name} depend on what that array or a"
            advice = "overwrite, do not add"
            require(not read, f"{fault} workspace held before (with {setting}); {advice}")


@check
def takes_batches_of_any_size(subject: Subject) -> None:
    """Gives samples the same in batches of 1 to 200, also after one of another size."""
    advice = "take the number of samples from len(x) at each call, and keep axes of length 1"
    for samples, after in ((4, SAMPLES), (SAMPLES, 4)):
        alone = USUAL.but(samples=samples)
        require_alike(subject, alone, alone.but(after=after), advice)
    few = tried(subject, WHOLE)
    for samples in trial.SIZES:
        expected = {} if _mixes(subject) else _repeated(few, samples)
        require_alike(subject, WHOLE, USUAL.but(samples=samples), advice, expected=expected)
    if not _mixes(subject):
        one, same = USUAL.but(samples=1), WHOLE.but(distinct=1)
        single = tried(subject, one)
        expected = {name: SAMPLES * single.outputs[name] for name in single.sums}
        require_alike(subject, one, same, advice, expected=expected)


@check
def stays_finite(subject: Subject) -> None:
    """Gives finite numbers for zeros, ones, integers, tiny numbers and those up to ±1e4.

    A layer may overflow where it grows faster than any usual power, as an exponential does.
    """
    for dtype in ("float64", "float32"):
        before: dict[str, Array] = {}
        for values, outputs in _on_grid(subject, dtype):
            infinite = [name for name in outputs if not np.isfinite(outputs[name]).all()]
            if infinite and subject.kind == "layer" and _explodes(values, before):
                break
            advice = "clip, or use a form that neither overflows nor divides by 0"
            where = f"for {values} in {dtype}"
            require(not infinite, f"{', '.join(infinite)} is not finite {where}; {advice}")
            before = outputs


def _on_grid(subject: Subject, dtype: str) -> Iterator[tuple[str, dict[str, Array]]]:
    """Yield the outputs for each of the grid's values, the largest ones last."""
    setting = WHOLE.but(dtype=dtype)
    if _mixes(subject):
        for values in VALUES:
            yield values, tried(subject, setting.but(values=values)).outputs
        return
    results = tried(subject, setting.but(values="grid"))
    rows = {name: array for name, array in results.outputs.items() if name not in results.sums}
    for row, values in enumerate(VALUES):
        yield values, {name: array[row] for name, array in rows.items()}
    yield "all of these", {name: results.outputs[name] for name in results.sums}


def _explodes(values: str, before: dict[str, Array]) -> bool:
    """Return whether outputs for the magnitude before one grow so that this one overflows."""
    magnitudes = [f"numbers of ±{size:g}" for size in trial.MAGNITUDES]
    if values not in magnitudes[1:]:
        return False
    most = trial.MAGNITUDES[magnitudes.index(values) - 1] ** USUAL_POWER
    return any(np.abs(array).max(initial=0) > most for array in before.values())


@check
def treats_samples_apart(subject: Subject) -> None:
    """Gives each sample what it gives it alone, unless it says that it mixes samples."""
    advice = "reduce over the samples' own axes only"
    if subject.kind == "layer":
        advice += ", or set mixes_samples"
    rest = np.delete(np.arange(SAMPLES), CHANGED)
    base, problem = tried(subject, WHOLE), None
    for setting, rows in ((WHOLE.but(changed=True), rest), (USUAL.but(samples=4), np.arange(4))):
        other = tried(subject, setting)
        apart = base.sums if setting.changed else base.sums | base.drawn
        for name in (name for name in base.outputs if name not in apart):
            fault = difference(other.outputs[name][rows], base.outputs[name][rows])
            problem = problem or (
                fault and f"{name} of other samples differs with {setting}: {fault}"
            )
    require(not problem or _mixes(subject), f"{problem}; {advice}")
    fault = "mixes_samples is True, but no sample changes what others give"
    require(problem or not _mixes(subject), fault)


USED_ONCE = (works_with_usual_data, is_deterministic, frees_its_memory)
"""The checks for any component that is used."""

DIVIDED = (parts_equal_the_whole, keeps_uses_apart, continues_when_restored)
"""The checks for components whose work is divided, interrupted or done twice at a time."""

FILLS_ARRAYS = (
    takes_float32_and_float64,
    writes_every_output,
    takes_any_memory_order,
    takes_batches_of_any_size,
    treats_samples_apart,
    stays_finite,
)
"""The checks for components that fill arrays of a batch."""


def _mixes(subject: Subject) -> bool:
    """Return whether rows of results belong to no sample alone."""
    return getattr(subject.instance, "mixes_samples", subject.kind == "regularizer")


def _repeated(few: trial.Trial, samples: int) -> dict[str, Array]:
    """Return a trial's outputs as if its samples were repeated; sums are scaled accordingly."""
    rows = np.arange(samples) % SAMPLES
    outputs = {name: array[rows] for name, array in few.outputs.items() if name not in few.sums}
    if samples % SAMPLES == 0:
        outputs |= {name: few.outputs[name] * (samples // SAMPLES) for name in few.sums}
    return outputs
