"""A kernel of a fusion beside the fusion."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from declnet.testing.benches.fusion_bench import FusionBench, shapes_of
from declnet.testing.benches.kernels.comparison import Comparison, settings
from declnet.testing.benches.loss_data import drawn, sort_of
from declnet.testing.failures import calling
from declnet.testing.settings import copied
from declnet.testing.subjects import Subject


def of_fusion(subject: Subject, special: float | None) -> Iterator[Comparison | None]:
    """Each setting; None where the kernel leaves it out."""
    kernel = subject.instance
    fusion = Subject(kernel.fusion, 0, subject.registry)
    for shape, setting in product(shapes_of(fusion), settings()):
        label = f"input shape {shape}, {setting}"
        bench = FusionBench(fusion, shape, setting)
        n, loss = setting.samples, kernel.fusion.loss
        sort = sort_of(loss, bench.output) or "normal"
        y = np.concatenate([drawn(loss, sort, bench.output, seed).y for seed in range(n // 10 + 1)])
        x = np.random.default_rng(11).normal(size=(n, *shape))
        x.flat[0] = x.flat[0] if special is None else special
        shares = np.random.default_rng(13).uniform(size=n).astype(setting.dtype)
        bench.place(x, y[:n])
        apart = bench.forward() | bench.backward()
        apart["dx"] = apart["dx"] * shares.reshape(-1, *[1] * len(shape))
        found = []
        for _ in range(2):
            bench.place(x, y[:n])
            y_true = copied(bench.y_true)
            with calling("bind"):
                calls = kernel.bind(bench.x, bench.y_true, bench.y, bench.losses, shares, bench.dx)
            if calls is None:
                break
            with calling("the calls"):
                for call in calls:
                    call()
            found.append({name: copied(getattr(bench, name)) for name in ("y", "losses", "dx")})
        if len(found) < 2:
            yield None
            continue
        kept = {"x": (bench.x, x.astype(setting.dtype)), "y_true": (bench.y_true, y_true)}
        changed = [name for name, pair in kept.items() if not np.array_equal(*pair, equal_nan=True)]
        yield Comparison(label, setting.dtype, apart, found[0], found[1], changed)
