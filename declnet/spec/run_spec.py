"""The former place of what is in `model`."""

from declnet.spec.model import ModelSpec, RunSpec, TrainingSpec

__all__ = ["ModelSpec", "RunSpec", "TrainingSpec"]
