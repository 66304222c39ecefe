"""What a layer promises about `state`: it uses what it declares and trains nothing itself."""

from __future__ import annotations

from declnet.testing.benches.layer_shapes import usual_benches
from declnet.testing.check import check
from declnet.testing.comparison import same
from declnet.testing.failures import CheckFailed
from declnet.testing.settings import copied
from declnet.testing.subjects import Subject


@check
def leaves_parameters_alone(subject: Subject) -> None:
    """Writes to no parameter, but for those that are not trainable, and these in training."""
    for bench, data in usual_benches(subject):
        for training in (True, False):
            bench.place(data, training=training)
            before = {name: copied(array) for name, array in bench.parameters.items()}
            bench.forward()
            if training:
                bench.backward()
            for name, array in before.items():
                kept = same(array, bench.parameters[name])
                if not kept and (name in bench.trainable or not training):
                    when = "training" if training else "evaluation"
                    raise CheckFailed(f"it writes to the parameter {name} in {when}")


@check
def uses_declared_state(subject: Subject) -> None:
    """Uses of `state` what it declares, and adds or replaces nothing."""
    for bench, data in usual_benches(subject):
        bench.run(data)
        for name, value in vars(bench.state).items():
            if bench.handed.get(name) is not value:
                raise CheckFailed(
                    f"it sets state.{name}; declare it in workspace() and write into it, e.g. with "
                    "out="
                )
        gradients = vars(bench.state.grad)
        for name, value in gradients.items():
            if bench.gradients.get(name) is not value:
                raise CheckFailed(f"it sets state.grad.{name}; write into it, e.g. with out=")


CHECKS = (leaves_parameters_alone, uses_declared_state)
