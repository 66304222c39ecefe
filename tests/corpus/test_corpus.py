"""Behavior is as recorded in the corpus; `python -m tests.corpus` shows changes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from declnet.registry.discovery import discover

from .replaying import Replayer
from .transcript import CORPUS, SHIPPED, Transcript, transcripts

KINDS = {
    "analysis", "calibrator", "callback", "data_source", "initializer", "layer", "loss", "metric",
    "optimizer", "regularizer", "schedule", "searcher", "transform",
}  # fmt: skip
ELSEWHERE = {"mlflow": "needs a server", "tensorboard": "its file holds the time"}


def named(transcript: Transcript) -> str:
    return transcript.name


@pytest.fixture(scope="session")
def replayer() -> Iterator[Replayer]:
    replayer = Replayer()
    yield replayer
    replayer.end()


@pytest.mark.parametrize("transcript", [t for t in transcripts() if not t.needs], ids=named)
def test_behavior_is_as_recorded(transcript: Transcript, replayer: Replayer) -> None:
    replay = replayer.replay(transcript)
    assert not replay.changed, "".join(replay.difference())


@pytest.mark.parametrize("transcript", [t for t in transcripts() if t.needs], ids=named)
def test_behavior_with_extras_is_as_recorded(transcript: Transcript, replayer: Replayer) -> None:
    if transcript.missing:
        pytest.skip(f"needs {transcript.missing}")
    test_behavior_is_as_recorded(transcript, replayer)


def test_every_component_is_in_the_corpus() -> None:
    texts = [path.read_text("utf-8") for path in CORPUS.glob("specs/*.toml")]
    texts += [path.read_text("utf-8") for path in SHIPPED.rglob("*.toml")]
    used = {name for text in texts for name in strings(tomllib.loads(text))}
    entries = discover().entries()
    types = {entry.type for entry in entries if entry.kind in KINDS}
    assert types - used - set(ELSEWHERE) == set()


def strings(value: Any) -> Iterator[str]:
    """Yield all strings of a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)
