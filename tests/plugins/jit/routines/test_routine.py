"""Compiled routines compute what their Python functions do, on all arguments they take."""

from __future__ import annotations

from functools import partial
from threading import Thread

import numpy as np
import pytest

from declnet_plugins.jit.routines.routine import ELEMENTS, Routine

pytestmark = pytest.mark.usefixtures("numba", "cache")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DECLNET_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@Routine
def exchange(a, b, c, d, e, f, scalar, flag, number, single, double, read):
    """Copy the arrays, each of another type, to `read`, and the numbers to the arrays."""
    read[6, 0, 0], read[6, 0, 1] = scalar[()], number
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            read[0, i, j], read[1, i, j], read[2, i, j] = a[i, j], b[i, j], c[i, j]
            read[3, i, j], read[4, i, j], read[5, i, j] = d[i, j], e[i, j], f[i, j]
            a[i, j], b[i, j], c[i, j] = flag, number, number
            d[i, j], e[i, j], f[i, j] = number, single, double


LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.T.copy().T,
    "with gaps": lambda x: np.repeat(np.repeat(x, 2, 0), 3, 1)[::2, ::3],
    "columns of another": lambda x: np.concatenate([x, x], 1)[:, x.shape[1] :],
    "reversed": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
}


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 7)], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_type_and_layout_of_an_argument_is_read_and_written(shape, layout):
    values = np.random.default_rng(1).normal(size=shape) * 90
    scalar, read = np.array(1 / 3, np.float32), np.zeros((2, 7, 5, 7))
    for flag, number in ((True, 7), (np.False_, np.uint8(200))):
        numbers = flag, number, np.float32(0.1), 0.1
        results = []
        for way, function in enumerate((exchange.bound, exchange.__wrapped__)):
            arrays = [LAYOUTS[layout](np.abs(values).astype(element)) for element in ELEMENTS]
            call = function(*arrays, scalar, *numbers, read[way])
            if call is not None:
                call()
            results.append([array.tobytes() for array in arrays])
        assert results[0] == results[1]
        assert read[0].tolist() == read[1].tolist()


@pytest.mark.parametrize(
    ("argument", "what"),
    [
        (np.zeros(2, np.float16), "an array of float16"),
        (np.zeros(2, ">f4"), "an array of >f4"),
        (np.zeros(9, np.uint8)[1:].view(np.float32), "an array of float32"),
        (2j, "2j"),
        ([1.0], r"\[1.0\]"),
    ],
)
def test_other_arguments_are_errors(argument, what):
    with pytest.raises(TypeError, match=f"a routine cannot take {what}"):
        exchange.bound(argument)


@Routine
def double(x, y):
    for i in range(x.size):
        y[i] = twice(x[i])


def twice(value):
    return increased(value) + increased(value) - 2


def increased(value):
    return value + 1


def scaled_by(factor, function):
    @Routine
    def scaled(x, y):
        double_of_x(x, y)
        for i in range(x.size):
            y[i] = function(y[i]) * factor / 2

    double_of_x = double
    return scaled


def test_an_exact_routine_rounds_as_its_source_says():
    @partial(Routine, rounding=())
    def exact(x, y):
        total = y[0]
        for i in range(x.size):
            total += x[i] * y[i]
        y[0] = total

    x, y = np.random.default_rng(0).normal(size=(2, 1001))
    expected = y.copy()
    exact.__wrapped__(x, expected)
    exact.bound(x, y)()
    assert y[0] == expected[0]


def test_threads_bind_concurrently():
    x = np.arange(4.0)
    routines = [scaled_by(2.0, twice), scaled_by(5.0, twice)] * 4
    ys, calls = np.zeros((8, 4)), [None] * 8

    def bind(place):
        calls[place] = routines[place].bound(x, ys[place])
        calls[place]()

    threads = [Thread(target=bind, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({call.address for call in calls}) == 2
    assert ys.tolist() == [(4 * x).tolist(), (10 * x).tolist()] * 4
