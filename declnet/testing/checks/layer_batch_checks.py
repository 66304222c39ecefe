"""What a layer promises about batches: each sample, each pass and each model stands for itself."""

from __future__ import annotations

from declnet.testing.benches.layer_arrays import LayerData
from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.benches.layer_chance import draws_at_random
from declnet.testing.benches.layer_shapes import working_shapes
from declnet.testing.benches.layer_values import data_for
from declnet.testing.check import check
from declnet.testing.comparison import difference
from declnet.testing.failures import CheckFailed, CheckSkipped
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject

CHANGED = 2
"""The sample that is replaced to see whether others notice."""


@check
def treats_samples_apart(subject: Subject) -> None:
    """Computes each sample's `y` and `dx` from that sample alone, unless it says otherwise."""
    if subject.instance.mixes_samples:
        raise CheckSkipped("it says that it mixes samples")
    for shape in working_shapes(subject):
        bench = LayerBench(subject, shape, USUAL.but(capacity=10))
        data, other = data_for(subject, bench, 0), data_for(subject, bench, 1)
        for training in (True, False):
            before = bench.run(data, training=training)
            after = bench.run(_with_one_changed(data, other), training=training)
            for name in (name for name in before if not name.startswith("grad.")):
                rest = [index for index in range(10) if index != CHANGED]
                fault = difference(after[name][rest], before[name][rest])
                if fault:
                    raise CheckFailed(
                        f"{name} of other samples changes with one sample's x and dy: {fault}; "
                        "set mixes_samples = True, or reduce over the samples' own axes only"
                    )
            if training and draws_at_random(subject):
                continue
            few = bench.run(data.first(4), training=training)
            for name in (name for name in few if not name.startswith("grad.")):
                fault = difference(few[name], before[name][:4])
                if fault:
                    raise CheckFailed(f"{name} depends on the number of samples: {fault}")


@check
def evaluates_without_chance(subject: Subject) -> None:
    """Gives the same in evaluation whatever its random stream, so that predictions repeat."""
    for shape in working_shapes(subject):
        found = []
        for seed in (0, 1):
            bench = LayerBench(subject, shape, USUAL.but(capacity=10, seed=seed))
            found.append(bench.run(data_for(subject, bench), training=False)["y"])
        fault = difference(found[1], found[0])
        if fault:
            raise CheckFailed(
                f"y is random where state.training is False: {fault}; predictions must repeat"
            )


@check
def shares_nothing_between_passes(subject: Subject) -> None:
    """Keeps what backward needs in `state` alone, so that two models can share the layer."""
    for shape in working_shapes(subject):
        first, second = (LayerBench(subject, shape, USUAL.but(capacity=10)) for _ in range(2))
        data, other = data_for(subject, first, 0), data_for(subject, second, 1)
        alone = first.run(data)
        first.place(data)
        first.forward()
        second.place(other.first(5))
        second.forward()
        for name, array in first.backward().items():
            fault = difference(array, alone[name])
            if fault:
                raise CheckFailed(
                    f"{name} changes if the layer is used elsewhere between forward and backward: "
                    f"{fault}; keep intermediate results in workspace(), not on the class or module"
                )


CHECKS = (treats_samples_apart, evaluates_without_chance, shares_nothing_between_passes)


def _with_one_changed(data: LayerData, other: LayerData) -> LayerData:
    x = tuple(array.copy() for array in data.x)
    dy = data.dy.copy()
    for own, foreign in zip(x, other.x, strict=True):
        own[CHANGED] = foreign[CHANGED]
    dy[CHANGED] = other.dy[CHANGED]
    return LayerData(x, dy)
