"""Signals that end a process."""

from __future__ import annotations

import signal

from declnet.cli.process import INTERRUPTION, interrupt_on_signals


def test_a_signal_that_is_ignored_stays_ignored():
    before = {name: signal.getsignal(getattr(signal, name)) for name in INTERRUPTION}
    try:
        for name in INTERRUPTION:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        interrupt_on_signals()
        for name in INTERRUPTION:
            assert signal.getsignal(getattr(signal, name)) is signal.SIG_IGN
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
