"""Training data, and threads with a small stack."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Four clouds of 20 features, 150 samples."""
    rng = np.random.default_rng(3)
    y = np.arange(150) % 4
    return rng.normal(size=(150, 20)) + y[:, None], y


SMALL = 128 * 1024
"""Bytes of a thread's stack, as musl gives each thread, and some servers."""


@pytest.fixture
def in_small_stack() -> Callable[..., Any]:
    """Return a function that calls another one in a new thread with a small stack."""

    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        before = threading.stack_size(SMALL)
        try:
            with ThreadPoolExecutor(1) as executor:
                called = executor.submit(function, *arguments)
        finally:
            threading.stack_size(before)
        return called.result()

    return call
