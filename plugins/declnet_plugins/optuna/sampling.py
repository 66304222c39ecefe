"""Samplers and pruners, by the names in a spec; and samplers that a killed study can repeat."""

import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial

from declnet import Dimension, Scalar, StudyContext
from declnet_plugins.optuna.searcher import PrunerName, SamplerName


class SeededSampler(optuna.samplers.BaseSampler):  # type: ignore[misc]  # it has no type here
    """A sampler whose random numbers depend on nothing but the study's seed, trial and key.

    So a trial that a kill interrupted while it was proposed gets the values that it would have had.

    Args:
        make: returns a sampler with a seed.
        seed: the study's seed.
    """

    def __init__(self, make: Callable[[int], optuna.samplers.BaseSampler], seed: int) -> None:
        self._make, self._seed = make, seed

    def _sampler(self, trial: FrozenTrial, name: str = "") -> optuna.samplers.BaseSampler:
        key = (trial.number, zlib.crc32(name.encode()))
        entropy = np.random.SeedSequence(self._seed, spawn_key=key)
        return self._make(int(entropy.generate_state(1)[0]))

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """See `BaseSampler`."""
        space: dict[str, BaseDistribution] = self._sampler(trial).infer_relative_search_space(
            study, trial
        )
        return space

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """See `BaseSampler`."""
        sampler = self._sampler(trial)
        sampler.infer_relative_search_space(study, trial)  # which some remember
        values: dict[str, Any] = sampler.sample_relative(study, trial, search_space)
        return values

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """See `BaseSampler`."""
        sampler = self._sampler(trial, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """See `BaseSampler`."""
        self._sampler(trial).before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: optuna.trial.TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """See `BaseSampler`."""
        self._sampler(trial).after_trial(study, trial, state, values)


def sampler_of(name: SamplerName, study: StudyContext) -> optuna.samplers.BaseSampler:
    """Return a sampler; a grid needs none."""
    conditional = any(dimension.conditions for dimension in study.space)

    def make(seed: int) -> optuna.samplers.BaseSampler:
        if name == "cma-es":
            return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        if name != "tpe":
            return optuna.samplers.RandomSampler(seed=seed)
        with warnings.catch_warnings():  # groups are what conditions need
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(seed=seed, group=conditional)

    return SeededSampler(make, study.seed)


def pruner_of(name: PrunerName, study: StudyContext) -> optuna.pruners.BasePruner:
    """Return a pruner."""
    if name == "median":
        return optuna.pruners.MedianPruner()
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(max_resource=study.steps or "auto")
    return optuna.pruners.NopPruner()


def distribution_of(dimension: Dimension) -> BaseDistribution:
    """Return a dimension as Optuna describes it."""
    if dimension.choices:
        return CategoricalDistribution(dimension.choices)
    low, high, log = dimension.low, dimension.high, dimension.log
    if dimension.is_integer:
        step = int(dimension.step or 1)
        return IntDistribution(int(low), int(high), log=log, step=step)
    return FloatDistribution(low, high, log=log, step=dimension.step)


def suggested(trial: optuna.Trial, dimension: Dimension) -> Scalar:
    """Return a trial's value of a dimension, which is stored."""
    if dimension.choices:
        choice: Scalar = trial.suggest_categorical(dimension.key, dimension.choices)
        return choice
    suggest = trial.suggest_int if dimension.is_integer else trial.suggest_float
    numbers = distribution_of(dimension)
    value: Scalar = suggest(
        dimension.key, numbers.low, numbers.high, step=numbers.step, log=numbers.log
    )
    return value
