"""The measuring process: `python -m measuring.process WHAT PEER TASK.json RESULT`.

WHAT is `training` or `inference`, whose result is a sample, or `whole`: train for the task's steps
and write the weights, timed from outside.
"""

import sys
from pathlib import Path

import numpy as np

from measuring.memory import megabytes
from measuring.task import Task
from measuring.trainer import time_trainer
from peers import peer_named
from predictors import predictor_named
from predictors.timing import time_predictor


def main(what: str, name: str, task_file: str, result: str) -> None:
    """Measure one peer on one task and write the result."""
    task, path = Task.read(Path(task_file)), Path(result)
    if what == "inference":
        predict = predictor_named(name).load()(task)
        time_predictor(predict, task, megabytes("VmRSS")).write(path)
        return
    make = peer_named(name).load()
    imported = megabytes("VmRSS")
    trainer = make(task)
    if what == "training":
        time_trainer(trainer, task, imported).write(path)
        return
    trainer.reset()
    trainer.train(task.steps)
    np.savez(path, **trainer.weights())


if __name__ == "__main__":
    main(*sys.argv[1:])
