"""NumPy's settings within a training step."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import declnet
from declnet.graph.model import Model
from declnet.graph.shapes import infer_nodes
from declnet.training.numerics import SMALL, arithmetic_for, blas_threads_for
from declnet_standard.layers import Dense


@pytest.mark.parametrize(("batch", "size"), [(32, 8192), (3000, 2992), (8192, 8176), (10**6, 8192)])
def test_rows_of_a_whole_batch_are_longer_than_the_buffer(batch, size):
    before = np.geterr(), np.getbufsize()
    with suppress(ZeroDivisionError), arithmetic_for(batch):
        assert np.getbufsize() == size
        assert set(np.geterr().values()) == {"ignore"}
        raise ZeroDivisionError
    assert (np.geterr(), np.getbufsize()) == before


def model(inputs, units):
    nodes = infer_nodes([Dense(units=units)], (inputs,))
    return Model(nodes, (inputs,), "float32")


def threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2, "blas"):
        yield


def test_small_products_take_one_thread_and_what_was_comes_back_even_after_a_failure():
    with suppress(ZeroDivisionError), blas_threads_for(model(64, 3), 3000):
        assert threads() == {1}
        raise ZeroDivisionError
    assert threads() == {2}


def test_large_products_take_all_threads():
    network = model(512, 512)
    assert SMALL < 128 * 512 * 512
    with blas_threads_for(network, 128):
        assert threads() == {2}
    with blas_threads_for(network, 8):
        assert threads() == {1}


def test_the_threads_come_back_when_several_runs_have_ended():
    network, entered, leave = model(2, 3), threading.Event(), threading.Event()

    def another_run():
        with blas_threads_for(network, 10):
            entered.set()
            leave.wait(30)

    other = threading.Thread(target=another_run)
    with blas_threads_for(network, 10):
        other.start()
        entered.wait(30)
        assert threads() == {1}
    leave.set()
    other.join(30)
    assert threads() == {2}


def threads_in_a_run(document):
    seen = []
    declnet.run(declnet.parse_spec(document), listener=lambda _: seen.append(threads()))
    assert threads() == {2}
    return set.union(*seen)


def test_a_run_computes_with_one_thread(document):
    assert threads_in_a_run(document) == {1}


@pytest.mark.parametrize(
    ("engine", "accumulate", "found"),
    [
        ({"kernels": "numpy"}, 1, {2}),
        ({"kernels": "jit"}, 1, {1}),
        ({"kernels": "jit"}, 2, {2}),  # Python makes the steps
        ({"kernels": "jit", "threads": 1}, 2, {1}),
    ],
)
def test_compiled_steps_and_a_limit_of_one_leave_one_thread(document, engine, accumulate, found):
    if engine["kernels"] == "jit":
        pytest.importorskip("numba", reason="the extra jit is not installed")
    document["model"]["layers"][0]["units"] = SMALL // 32  # times three classes and 15 samples
    document["training"] = {"epochs": 1, "batch_size": 15, "accumulate": accumulate}
    assert threads_in_a_run(document | {"engine": engine}) == found
