"""`load_model`: the trained model of a run."""

from __future__ import annotations

from pathlib import Path

from declnet.errors import OutputError
from declnet.graph.model import Model, build_model
from declnet.graph.weights import read_weights
from declnet.registry.registry import Registry
from declnet.runs import folder
from declnet.runs.checkpoints import Notice
from declnet.runs.origins import spec_of_run, warn
from declnet.runs.reading import read_run
from declnet.spec.run_spec import RunSpec


def load_model(
    run_directory: str | Path, registry: Registry | None = None, *, notice: Notice | None = None
) -> Model:
    """Build the model of a run's folder with the weights that the run left.

    Args:
        run_directory: as `RunResult.directory` or the command line gave it.
        registry: where names are looked up; default: all installed plugins.
        notice: called with a sentence for each distribution whose version is not the run's;
            default: a `DeclnetWarning`.

    Raises:
        OutputError: it is not a run's folder, or the run left no weights.
        OriginError: a component would come from another distribution than the run's.
        SpecError: a component of the run is not installed any more.
        WeightsError: the weights cannot be read.
    """
    return loaded(Path(run_directory), registry, notice or warn)[0]


def loaded(
    directory: Path, registry: Registry | None, notice: Notice
) -> tuple[Model, RunSpec, Registry]:
    """Return a run's model and spec, and the registry as the run sees it; raise as `load_model`."""
    stored = read_run(directory)
    weights = stored.directory / folder.WEIGHTS
    if not weights.is_file():
        status = stored.manifest.get("status")
        raise OutputError(f"{stored.directory}: the run left no weights (it is {status})")
    spec, view = spec_of_run(stored.directory, stored.manifest, registry, notice)
    bare = spec.model.model_copy(update={"initial_weights": None})
    model = build_model(bare, stored.manifest["input_shape"], spec.seed, view)
    model.load_parameters(read_weights(weights), str(weights))
    return model, spec, view
