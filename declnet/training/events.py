"""What training tells whoever listens."""

from __future__ import annotations

from dataclasses import dataclass

from declnet.components.callback import EpochFinished, EpochLogged


@dataclass(frozen=True)
class Progressed:
    """A heartbeat between logged epochs, a few times a second.

    Attributes:
        epochs_done: whole epochs, with the finished share of the one at work.
    """

    epochs_done: float


Event = EpochLogged | EpochFinished | Progressed
