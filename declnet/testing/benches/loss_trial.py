"""Uses a loss with each shape of prediction."""

from __future__ import annotations

from declnet.testing.benches.loss_bench import LossBench
from declnet.testing.benches.loss_data import data_for, shapes_of
from declnet.testing.settings import Setting
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial


def try_loss(subject: Subject, setting: Setting) -> Trial:
    """Runs forward and backward with each shape of prediction."""
    trial = Trial()
    for shape in shapes_of(subject):
        suffix = f" for predictions of shape {shape}"
        bench = LossBench(subject.instance, shape, setting)
        data = data_for(subject, shape)
        if setting.before:
            bench.run(data.first(setting.before))
        bench.place(data.first(setting.samples))
        note = trial.watch(bench.read_only(), suffix)
        trial.outputs["losses" + suffix] = bench.forward()
        trial.outputs["dy_pred" + suffix] = bench.backward()
        note()
    return trial
