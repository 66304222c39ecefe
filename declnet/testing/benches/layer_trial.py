"""Uses a layer in training and in evaluation, with each of its input shapes."""

from __future__ import annotations

from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.benches.layer_chance import draws_at_random
from declnet.testing.benches.layer_shapes import working_shapes
from declnet.testing.benches.layer_values import data_for
from declnet.testing.settings import Setting
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial


def try_layer(subject: Subject, setting: Setting) -> Trial:
    """Runs forward and backward, and forward in evaluation."""
    trial = Trial()
    random = draws_at_random(subject)
    for shape in working_shapes(subject):
        for training in (True, False):
            suffix = f" for input shape {shape}, in {'training' if training else 'evaluation'}"
            bench = LayerBench(subject, shape, setting)
            data = data_for(subject, bench)
            if setting.before:
                bench.run(data.first(setting.before), training=training)
            bench.place(data.first(setting.samples), training=training)
            note = trial.watch(bench.read_only(backward=False), f" by forward{suffix}")
            outputs = {"y": bench.forward()}
            note()
            if training:
                note = trial.watch(bench.read_only(backward=True), f" by backward{suffix}")
                outputs |= bench.backward()
                note()
            trial.outputs |= {name + suffix: array for name, array in outputs.items()}
            if training and random:
                trial.drawn |= {name + suffix for name in outputs}
    return trial
