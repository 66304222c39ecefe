"""declnet: `Model.predict`."""

import declnet
from safetensors.numpy import save_file

from measuring.task import Task
from peers.declnet_spec import spec
from predictors.timing import Predict
from works.data import read_weights


def make(task: Task, kernels: str | None = None) -> Predict:
    """Return the model that the spec declares, with the initial weights."""
    weights_file = task.path / "initial.safetensors"
    save_file(read_weights(task.path), weights_file)
    steps = task.work.steps_per_epoch
    declared = declnet.parse_spec(spec(task.work, task.path, weights_file, steps, kernels))
    return declnet.build_model(declared.model, task.work.sample_shape).predict
