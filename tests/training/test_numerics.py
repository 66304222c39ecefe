"""NumPy's settings within a training step."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import declnet
from declnet.training.numerics import SMALL, arithmetic_for, blas_threads_for


@pytest.mark.parametrize(("batch", "size"), [(32, 8192), (3000, 2992), (8192, 8176), (10**6, 8192)])
def test_rows_of_a_whole_batch_are_longer_than_the_buffer(batch, size):
    before = np.geterr(), np.getbufsize()
    with arithmetic_for(batch):
        assert np.getbufsize() == size
        assert set(np.geterr().values()) == {"ignore"}
    assert (np.geterr(), np.getbufsize()) == before


def test_what_was_set_comes_back_after_a_failure():
    with pytest.raises(ZeroDivisionError), arithmetic_for(3000):
        raise ZeroDivisionError
    assert np.getbufsize() == 8192


def model(inputs, units):
    spec = declnet.parse_spec(
        {
            "declnet": 1,
            "data": {"train": {"type": "nnfs_spiral", "samples": 10, "classes": 3}},
            "model": {"layers": [{"type": "dense", "units": units}]},
            "loss": {"type": "mean_squared_error"},
            "optimizer": {"type": "sgd"},
            "training": {"epochs": 1},
        }
    )
    return declnet.build_model(spec.model, (inputs,))


def threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2, "blas"):
        yield


def test_small_products_take_one_thread_and_what_was_comes_back():
    with blas_threads_for(model(64, 3), 3000):
        assert threads() == {1}
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


def test_a_failure_within_brings_them_back():
    with pytest.raises(ZeroDivisionError), blas_threads_for(model(2, 3), 10):
        raise ZeroDivisionError
    assert threads() == {2}


def test_a_run_computes_with_one_thread():
    seen = []
    document = {
        "declnet": 1,
        "data": {"train": {"type": "nnfs_spiral", "samples": 10, "classes": 3}},
        "model": {"layers": [{"type": "dense", "units": 3}, "softmax"]},
        "loss": {"type": "categorical_crossentropy"},
        "optimizer": {"type": "sgd"},
        "training": {"epochs": 1},
    }
    declnet.run(declnet.parse_spec(document), listener=lambda _: seen.append(threads()))
    assert seen
    assert set.union(*seen) == {1}
    assert threads() == {2}
