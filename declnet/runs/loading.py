"""`load_model`: the trained model of a run."""

from __future__ import annotations

from pathlib import Path

from declnet.errors import OutputError
from declnet.graph.model import Model, build_model
from declnet.graph.weights import read_weights
from declnet.registry.registry import Registry
from declnet.runs import folder
from declnet.runs.reading import read_run
from declnet.spec.load import load_spec


def load_model(run_directory: str | Path, registry: Registry | None = None) -> Model:
    """Builds the model of a run's folder with the weights that the run left.

    Args:
        run_directory: as `RunResult.directory` or the command line gave it.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        OutputError: it is no run's folder, or the run left no weights.
        SpecError: a component of the run is not installed any more.
        WeightsError: the weights cannot be read.
    """
    stored = read_run(run_directory)
    weights = stored.directory / folder.WEIGHTS
    if not weights.is_file():
        status = stored.manifest.get("status")
        raise OutputError(f"{stored.directory}: the run left no weights (it is {status})")
    spec = load_spec(stored.directory / folder.SPEC, registry=registry)
    plain = spec.model.model_copy(update={"initial_weights": None})
    model = build_model(plain, stored.manifest["input_shape"], spec.seed, registry)
    model.load_parameters(read_weights(weights), str(weights))
    return model
