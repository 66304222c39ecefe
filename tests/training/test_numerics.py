"""NumPy's buffer size and the number of BLAS threads during training."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import ClassVar

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import declnet
from declnet.registry.discovery import discover
from declnet.training.numerics import arithmetic_for, one_blas_thread
from declnet_plugins.standard.layers.dense import Dense


@pytest.mark.parametrize(("batch", "size"), [(32, 8192), (3000, 2992), (8192, 8176), (10**6, 8192)])
def test_rows_of_a_whole_batch_are_longer_than_the_buffer(batch, size):
    before = np.geterr(), np.getbufsize()
    with suppress(ZeroDivisionError), arithmetic_for(batch):
        assert np.getbufsize() == size
        assert set(np.geterr().values()) == {"ignore"}
        raise ZeroDivisionError
    assert (np.geterr(), np.getbufsize()) == before


def threads():
    return {
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2, "blas"):
        yield


def test_the_limit_ends_with_the_last_run():
    entered, leave = threading.Event(), threading.Event()

    def another_run():
        with one_blas_thread():
            entered.set()
            leave.wait(30)

    other = threading.Thread(target=another_run)
    with one_blas_thread():
        other.start()
        entered.wait(30)
        assert threads() == {1}
    leave.set()
    other.join(30)
    assert threads() == {2}


def test_only_the_outermost_limit_is_set_and_restored():
    with one_blas_thread():
        with threadpool_limits(2, "blas"), one_blas_thread():
            assert threads() == {2}
        assert threads() == {1}
    assert threads() == {2}


class Watcher(Dense):
    """A dense layer that records the number of BLAS threads."""

    type = "watcher"
    seen: ClassVar[list[set[int]]] = []

    def forward(self, x, y, state):
        """Record the number of threads."""
        Watcher.seen.append(threads())
        super().forward(x, y, state)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_all_computations_have_one_blas_thread(document, accumulate, blobs, tmp_path):
    registry = discover()
    registry.register(Watcher)
    document["model"]["layers"][0] = {"type": "watcher", "units": 1 << 15}
    document["training"] = {"epochs": 2, "batch_size": 15, "accumulate": accumulate}
    document["engine"] = {"kernels": "numpy"}
    Watcher.seen.clear()
    spec = declnet.parse_spec(document, registry=registry)
    declnet.run(spec, out=tmp_path / "run", registry=registry)
    assert threads() == {2}
    declnet.open_run(tmp_path / "run", registry=registry).evaluate(blobs)
    assert threads() == {2}
    assert {*map(frozenset, Watcher.seen)} == {frozenset({1})}
