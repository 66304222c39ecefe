"""What training tells whoever listens."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class EpochLogged:
    """An epoch that is logged.

    Attributes:
        epoch: from 0.
        learning_rate: of the epoch's (last) update.
        figures: `loss`, `data_loss`, `regularization_loss` and each metric, of the epoch's own
            forward passes, before their updates; over mini-batches the mean by samples.
        validation: the same of the validation data after the epoch's last update, if there is any.
    """

    epoch: int
    learning_rate: float
    figures: dict[str, float]
    validation: dict[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, float | int]:
        """The epoch as a line of the history, validation figures under `validation_…`."""
        validation = {f"validation_{name}": value for name, value in self.validation.items()}
        rate = {"learning_rate": self.learning_rate}
        return {"epoch": self.epoch, **self.figures, **rate, **validation}


@dataclass(frozen=True)
class Progressed:
    """A sign of life between logged epochs, a few times a second.

    Attributes:
        epochs_done: whole epochs, with the finished share of the one at work.
    """

    epochs_done: float


Event = EpochLogged | Progressed
