"""What a callback promises: to follow any run, and to go on in one that is resumed."""

from __future__ import annotations

from typing import Any

from declnet.components.arrays import Array
from declnet.components.plain import NotPlainError, from_plain, to_plain
from declnet.testing.benches.callback_bench import EPOCHS, CallbackBench, bench
from declnet.testing.check import check
from declnet.testing.failures import CheckFailed
from declnet.testing.subjects import Subject

CUTS = (1, 4, EPOCHS // 6 + 2, EPOCHS // 2)
"""After how many epochs a run is killed and resumed."""

LOST = 2
"""Epochs that it was told of after the checkpoint, which it is told of again."""


@check
def follows_a_run(subject: Subject) -> None:
    """Follows a run to its end or its failure, with a folder or without, and changes no figures."""
    for folder in (True, False):
        for error in (None, KeyboardInterrupt(), ValueError("the run failed")):
            with bench(subject, folder) as played:
                played.start()
                for number in range(EPOCHS):
                    played.epoch(number)
                played.finish(error)


@check
def keeps_runs_apart(subject: Subject) -> None:
    """Holds no state itself: two runs with the same instance do not disturb each other."""
    with bench(subject) as first, bench(subject) as second:
        first.start()
        second.start()
        for number in range(EPOCHS):
            first.epoch(number)
            if number >= EPOCHS // 3:
                second.epoch(number - EPOCHS // 3)
        first.finish()
        second.finish()
    alone = _whole(subject)
    if first.run.asked != alone.run.asked:
        raise CheckFailed(
            f"it asks for {_in_words(first)} if another run goes on beside, but for "
            f"{_in_words(alone)} alone; keep what changes in the state that start gives"
        )


@check
def saves_plain_values(subject: Subject) -> None:
    """Saves a dict of JSON values and arrays, or nothing, after any epoch."""
    with bench(subject) as played:
        played.start()
        for number in range(EPOCHS):
            _saved(played)
            played.epoch(number)
        _saved(played)
        played.finish()


@check
def goes_on_when_resumed(subject: Subject) -> None:
    """Asks for the same in a run that was killed and resumed as in one that was not."""
    whole = _whole(subject)
    for cut in CUTS:
        with bench(subject) as killed:
            killed.start()
            for number in range(cut):
                killed.epoch(number)
            saved, scale = _saved(killed), killed.run.scale
            before = [each for each in killed.run.asked if each[0] < cut]
            if killed.run.stopped:
                killed.finish()
                continue
            for number in range(cut, cut + LOST):
                killed.epoch(number)
            resumed = CallbackBench(subject, killed.run.directory)
            _begin(resumed, saved, scale)
            for number in range(cut, EPOCHS):
                resumed.epoch(number)
            resumed.finish()
        found = before + [each for each in resumed.run.asked if each[0] >= cut]
        if found != whole.run.asked:
            raise CheckFailed(
                f"in a run that is resumed after {cut} epochs it asks for {_in_words(resumed)}, "
                f"but for {_in_words(whole)} in one that was not stopped; save what it must "
                "remember in save(), and take it up again in restore()"
            )
        if _plans(resumed) != _plans(whole):
            raise CheckFailed(
                "restore does not call run.save_checkpoints as start does; the plan is not saved"
            )


def _begin(played: CallbackBench, saved: dict[str, Any] | None, scale: float) -> None:
    if saved is not None:
        played.restore(saved, scale)
    else:
        played.run.scale = scale
        played.start()


def _whole(subject: Subject) -> CallbackBench:
    with bench(subject) as played:
        played.start()
        for number in range(EPOCHS):
            played.epoch(number)
        played.finish()
    return played


def _saved(played: CallbackBench) -> dict[str, Any] | None:
    """What is read again of what the callback saves."""
    saved, arrays = played.save(), dict[str, Array]()
    if saved is None:
        return None
    try:
        read: Any = from_plain(to_plain(saved, arrays, "what it saves"), arrays)
    except NotPlainError as error:
        raise CheckFailed(f"save gives what no file holds: {error}") from None
    if not isinstance(read, dict):
        raise CheckFailed(f"save gives {type(saved).__name__}; it must be a dict, or None")
    return read


def _plans(played: CallbackBench) -> list[tuple[str, str]]:
    return [each[1:] for each in played.run.asked if each[0] < 0]


def _in_words(played: CallbackBench) -> str:
    asked = [f"{method} in epoch {epoch}" for epoch, method, _ in played.run.asked if epoch >= 0]
    shown = ", ".join(asked[:4]) + (", …" if len(asked) > 4 else "")
    return shown or "nothing"


CHECKS = (
    follows_a_run,
    keeps_runs_apart,
    saves_plain_values,
    goes_on_when_resumed,
)
