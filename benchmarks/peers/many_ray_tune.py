"""Ray Tune: a trial for each seed, which fits scikit-learn's MLPClassifier."""

from pathlib import Path

import ray
from ray import tune

from peers.many_scikit_learn import loss_of
from works.many import ManyWork


def train(work: ManyWork, folder: Path, count: int) -> list[float]:
    """Train by a grid of seeds, a core for each trial; return the loss of each run."""
    ray.init(log_to_driver=False, include_dashboard=False)
    x, y = work.read(folder)

    def trial(config: dict[str, int]) -> dict[str, float]:
        return {"loss": loss_of(work, x, y, config["seed"])}

    grid = {"seed": tune.grid_search(list(range(count)))}
    results = tune.Tuner(
        trial,
        param_space=grid,
        run_config=tune.RunConfig(storage_path=str(folder.resolve() / "ray"), verbose=0),
    ).fit()
    ray.shutdown()
    return [float(result.metrics["loss"]) for result in results]
