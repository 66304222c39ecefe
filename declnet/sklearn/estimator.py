"""The base of the classifier and the regressor: specs, data, training and prediction."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from declnet import (
    Array,
    DataError,
    Dataset,
    IncrementalTraining,
    OutputError,
    Predictions,
    Predictor,
    RegistryError,
    RunSpec,
    SpecError,
    Table,
    WeightsError,
    default_registry,
    is_group,
    load_predictor,
    load_spec,
    open_run,
    parse_spec,
    run,
)
from declnet.sklearn.fitted_spec import (
    preparing_target,
    takes_whole_data,
    template_contract,
    weighing_by,
    with_fitting_batches,
)
from declnet.sklearn.plain_state import plain_state, restored_state
from declnet.sklearn.samples import (
    Target,
    Targets,
    dataset_of,
    is_frame,
    numbers_of,
    require_unmasked,
    sample_weights,
    table_of,
    with_targets,
    with_weights,
)
from declnet.sklearn.sparse_rows import dense_parts, joined_predictions
from declnet.sklearn.spec_keys import SpecKeys

ARRAY_TARGET = "y"
"""The name of y if neither the data nor the spec names it."""

SUFFIXES = (".toml", ".json")
"""Of the files of specs; any other string names a preset."""


@contextmanager
def value_errors() -> Iterator[None]:
    """Raise errors about arguments as the ValueError that scikit-learn expects."""
    try:
        yield
    except (DataError, SpecError, OutputError, RegistryError, WeightsError) as error:
        raise ValueError(str(error)) from error


class SpecEstimator(SpecKeys):
    """A scikit-learn estimator whose network, training and preparation of data a spec declares."""

    _takes: ClassVar[tuple[str, ...]]
    """The `targets` of suitable losses."""
    _other: ClassVar[str]
    """The estimator for other losses."""

    def __init__(
        self,
        spec: Any = None,
        *,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
        out: Any = None,
        **spec_keys: Any,
    ) -> None:
        self.spec = spec
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.out = out
        self._set_spec_keys(spec_keys)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Prepare the data as the spec says, and train the network.

        Args:
            X: an array or data frame (n, features), in which numbers may be missing and texts
                occur if the spec prepares them, as presets do; a sparse matrix, of which a batch
                at a time is made dense, or all of it if the spec prepares it, as presets do, or has
                no mini-batches; or, with a spec, an array (n, *sample shape).
            y: (n,), or (n, outputs).
            sample_weight: (n,) the weights of the samples in the loss.

        Raises:
            ValueError: the spec or the data is invalid, or they do not fit each other.
            RunError: the training failed, e.g. by diverging.
        """
        x = self._features(X, reset=True)
        targets = self._targets(X, y)
        weights = self._weights(sample_weight, targets)
        before = self.predictor_.model.parameters() if self._continues() else None
        with value_errors():
            spec, data, names = self._declared(x, targets, weights)
            result = run(
                spec,
                {"train": data},
                self.out,
                numbered=True,
                progress=bool(self.verbose),
                parameters=before,
            )
        self._adopt(result.predictor, targets, names)
        self._training: IncrementalTraining | None = None
        self.spec_ = result.spec
        self.directory_ = result.directory
        self.history_ = result.history
        self.metrics_ = result.metrics
        self.n_iter_ = result.epochs
        self.loss_ = result.metrics["train"]["loss"]
        self.loss_curve_ = [row["loss"] for row in result.history]
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        is_first = "predictor_" not in vars(self)
        x = self._features(X, reset=is_first)
        targets = self._targets(X, y, classes)
        weights = self._weights(1.0 if sample_weight is None else sample_weight, targets)
        with value_errors():
            if is_first:
                spec, data, names = self._declared(x, targets, weights)
                training = IncrementalTraining(spec)
            else:
                names = self._target_names
                data, weights_in = self._as_before(x, targets, weights)
                training = self._training or IncrementalTraining(
                    weighing_by(self.spec_, weights_in), predictor=self.predictor_
                )
            metrics = training.train(data)
        if is_first:
            self.directory_, self.history_, self.loss_curve_, self.n_iter_ = None, [], [], 0
        self._adopt(training.predictor, targets, names)
        self._training, self.spec_ = training, training.spec
        self.metrics_, self.loss_ = {"train": metrics}, metrics["loss"]
        self.loss_curve_ = [*self.loss_curve_, self.loss_]
        self.n_iter_ += 1
        return self

    @classmethod
    def from_run(cls, path: str | PathLike[str]) -> Self:
        """Return a fitted estimator with the trained model of a run's folder.

        Its parameter `spec` is the run's spec, whose data sources `fit` does not use.

        Raises:
            ValueError: the run cannot be read, or its losses suit another estimator.
        """
        folder = Path(path)
        with value_errors():
            predictor = load_predictor(folder)
            estimator = cls(predictor.spec)
            estimator._require_suitable(predictor.spec)
            history = [] if is_group(folder) else open_run(folder).history
        columns, one = predictor.features, predictor.members[0].model
        if columns is None:
            estimator.n_features_in_ = int(np.prod(one.input_shape))
        else:
            estimator.n_features_in_ = len(columns)
            estimator.feature_names_in_ = np.array(columns, object)
        estimator._columns = columns or ()
        names = tuple(dict.fromkeys(head.target or head.name for head in predictor.heads))
        estimator._adopt(predictor, None, names)
        estimator._training, estimator.spec_ = None, predictor.spec
        estimator.directory_, estimator.history_ = folder, history
        estimator.loss_curve_ = [row["loss"] for row in history]
        return estimator

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags; presets take missing values, texts and categories."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._is_preset()
        tags.input_tags.string = tags.input_tags.categorical = self._is_preset()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        return tags

    def __getstate__(self) -> Any:
        return plain_state(super().__getstate__())

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(restored_state(state))
        if "predictor_" in vars(self):
            self._predict_rows_independently()

    def _weights(self, sample_weight: Any, targets: Targets) -> Array | None:
        """Return the weights of the samples in the loss (n,); None if they are equal."""
        return sample_weights(sample_weight, len(targets.columns[0].values))

    @abstractmethod
    def _targets(self, X: Any, y: Any, classes: Any = None) -> Targets:
        """Return y as targets; raise ValueError if it is invalid or has another length than X.

        Args:
            classes: the classes, for the first call of `partial_fit`.
        """

    def _adopt(self, predictor: Predictor, targets: Targets | None, names: Sequence[str]) -> None:
        """Take over a trained model.

        Args:
            targets: the y that it was trained on; None if that is unknown.
            names: the targets by name, in the order of the columns of y.
        """
        self.predictor_ = predictor
        self._predict_rows_independently()
        self._target_names = tuple(names)
        self._is_matrix = (
            targets.is_matrix
            if targets is not None
            else len(names) > 1 or predictor.readings[0].task == "flags"
        )

    def _predict_rows_independently(self) -> None:
        for member in self.predictor_.members:
            member.model.independent_rows = True  # as scikit-learn expects of estimators

    def _continues(self) -> bool:
        return bool(self.warm_start) and "predictor_" in vars(self)

    def _is_preset(self) -> bool:
        is_file = isinstance(self.spec, str) and self.spec.endswith(SUFFIXES)
        return self.spec is None or (isinstance(self.spec, str) and not is_file)

    def _features(self, X: Any, *, reset: bool) -> Any:
        """Return X as a data frame, an array or a sparse matrix; raise ValueError if it is invalid.

        Args:
            reset: whether it decides on the number and the names of the features.
        """
        least = 2 if reset else 1
        require_unmasked(X, "X")
        if is_frame(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            names = tuple(map(str, X.columns))
            if len(set(names)) < len(names):
                raise ValueError(f"two columns of X have the same name: {', '.join(names)}")
            if len(X) < least:
                raise ValueError(
                    f"Found array with {len(X)} sample(s) (shape={X.shape}) while a minimum of "
                    f"{least} is required by {type(self).__name__}."
                )
            x = X
        else:
            preset = self._is_preset()
            x = validate_data(
                self,
                X,
                reset=reset,
                accept_sparse="csr",
                dtype=None if preset else "numeric",
                ensure_all_finite="allow-nan" if preset else True,
                allow_nd=not preset,
                ensure_min_samples=least,
            )
            is_table = preset or (not reset and self.predictor_.features is not None)
            x = x.toarray() if is_table and issparse(x) else x
            names = tuple(f"x{at}" for at in range(x.shape[1]))
        if reset:
            self._columns = names
        return x

    def _declared(
        self, x: Any, targets: Targets, weights: Array | None
    ) -> tuple[RunSpec, Table | Dataset, tuple[str, ...]]:
        """Return the spec and its training data, and the names of the targets."""
        overrides = self._overrides()
        if self.random_state is not None:
            largest = np.iinfo(np.int32).max
            overrides["seed"] = (
                int(self.random_state)
                if isinstance(self.random_state, int | np.integer)
                else int(check_random_state(self.random_state).randint(largest))
            )
        data: Table | Dataset
        if self._is_preset():
            spec, data, names = self._by_preset(x, targets, overrides)
        else:
            spec, data, names = self._by_own_spec(x, targets, overrides)
        if weights is not None:
            data, column = with_weights(data, weights)
            spec = weighing_by(spec, column)
        return with_fitting_batches(spec, len(data)), data, names

    def _by_preset(
        self, x: Any, targets: Targets, overrides: dict[str, Any]
    ) -> tuple[RunSpec, Table, tuple[str, ...]]:
        registry = default_registry()
        several = len(targets) > 1
        default = [f"y{at}" if several else ARRAY_TARGET for at in range(len(targets))]
        names = [column.name or name for column, name in zip(targets.columns, default, strict=True)]
        named = self._free(dict(zip(names, targets.columns, strict=True)))
        table = with_targets(table_of(x, self._columns), named)
        tasks = {name: target.task for name, target in named.items()}
        template_spec = template_contract(registry).write_spec(table, tasks, registry, self.spec)
        template_spec.document.get("data", {}).pop("test", None)
        spec = parse_spec(template_spec.document, registry, overrides=overrides)
        features = template_spec.features if template_spec.features is not None else table.features
        return spec, replace(table, features=features), tuple(named)

    def _by_own_spec(
        self, x: Any, targets: Targets, overrides: dict[str, Any]
    ) -> tuple[RunSpec, Table | Dataset, tuple[str, ...]]:
        if isinstance(self.spec, str | PathLike):
            spec = load_spec(Path(self.spec), overrides)
        else:
            spec = parse_spec(self.spec, overrides=overrides)
        self._require_suitable(spec)
        if issparse(x) and takes_whole_data(spec):
            x = x.toarray()
        if spec.losses is not None:
            named = self._named_by(spec, targets)
            return spec, self._data(x, named, is_frame(x)), tuple(named)
        name, as_table = ARRAY_TARGET, is_frame(x) and not targets.is_matrix
        if targets.is_matrix:
            if targets.are_labels and spec.heads[0].loss.targets != "binary":
                raise ValueError(
                    "y has several labels per sample, but the loss of the spec takes one class"
                )
            named = {name: targets.joined()}
        elif as_table:
            declared = getattr(spec.data.train, "target", None)
            (column,) = targets.columns
            name = column.name or (declared if isinstance(declared, str) else name)
            named = self._free({name: column})
        else:
            named = {name: targets.columns[0]}
        return preparing_target(spec, *named), self._data(x, named, as_table), tuple(named)

    def _data(self, x: Any, named: dict[str, Target], as_table: bool) -> Table | Dataset:
        """Return features and named targets as a table, or as arrays."""
        if as_table:
            return with_targets(table_of(x, self._columns), named)
        return dataset_of(numbers_of(x), named)

    def _named_by(self, spec: RunSpec, targets: Targets) -> dict[str, Target]:
        """Return the columns of y by the names of the targets of `[losses]`, or in their order."""
        names = tuple(dict.fromkeys(head.target or head.name for head in spec.heads))
        columns = {column.name or "": column for column in targets.columns}
        if columns.keys() == set(names):
            return columns
        if len(names) != len(targets):
            raise ValueError(
                f"the spec has the targets {', '.join(names)}, but y has {len(targets)} columns"
            )
        return dict(zip(names, targets.columns, strict=True))

    def _free(self, named: dict[str, Target]) -> dict[str, Target]:
        """Return targets by names that no feature has."""
        free = {}
        for name, target in named.items():
            while name in self._columns or name in free:
                name = f"{name}_"  # noqa: PLW2901
            free[name] = target
        return free

    def _as_before(
        self, x: Any, targets: Targets, weights: Array | None
    ) -> tuple[Table | Dataset, str | None]:
        """Return data in the form of the first training, and the name of its column of weights."""
        names = self._target_names
        if targets.is_matrix != self._is_matrix or len(names) not in (1, len(targets)):
            raise ValueError("y has another number of columns than in earlier calls")
        if issparse(x) and takes_whole_data(self.spec_):
            x = x.toarray()
        if len(names) == 1 and targets.is_matrix:
            data = self._data(x, {names[0]: targets.joined()}, False)
        else:
            named = dict(zip(names, targets.columns, strict=True))
            data = self._data(x, named, self.predictor_.features is not None)
        return (data, None) if weights is None else with_weights(data, weights)

    def _require_suitable(self, spec: RunSpec) -> None:
        for head in spec.heads:
            if head.loss.targets not in self._takes:
                name = f" of {head.name!r}" if head.name else ""
                raise ValueError(
                    f"the loss{name} is {head.loss.type!r}, which does not suit "
                    f"{type(self).__name__}: use {self._other}"
                )

    def _predictions(self, X: Any) -> list[tuple[Any, Predictions]]:
        """Return the predictions for each target, in the order of the columns of y."""
        check_is_fitted(self, "predictor_")
        x, predictor = self._features(X, reset=False), self.predictor_
        with value_errors():
            if issparse(x):
                parts = dense_parts(x, predictor)
                by_loss = joined_predictions([*map(predictor.predict_part, parts)])
            else:
                by_table = predictor.features is not None
                data = table_of(x, self._columns) if by_table else numbers_of(x)
                predictions = predictor.predict(data)
                is_one = isinstance(predictions, Predictions)
                by_loss = {"": predictions} if is_one else predictions
        by_target = {
            head.target or head.name: (reading, by_loss[head.name])
            for head, reading in zip(predictor.heads, predictor.readings, strict=True)
        }
        if len(by_target) == 1:
            return [*by_target.values()]
        return [by_target[name] for name in self._target_names]
