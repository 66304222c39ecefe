"""Models that were trained elsewhere: their parts as a trained model, and the folder of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.table import Table
from declnet.contracts.data.transform import Transform, TransformState
from declnet.contracts.network.inputs import InputInfo
from declnet.contracts.serialization import verify_state
from declnet.data.preparing.preparation import FittedPreparation, fit_preparation
from declnet.data.preparing.targets import loss_targets_of
from declnet.data.splits import Data
from declnet.data.synthetic_rows import SyntheticRows
from declnet.errors import DataError, OutputError
from declnet.graph.model import build_model
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.runs.behavior import BEHAVIOR_FILE, Behavior
from declnet.runs.computed import of_model
from declnet.runs.inference.member import Member
from declnet.runs.inference.predictor import Predictor
from declnet.runs.model_card import card_of_run
from declnet.runs.storage import folder
from declnet.runs.storage.folder import claimed, content_of, locked, reading
from declnet.runs.storage.manifest import manifest_of
from declnet.runs.storage.readme import README
from declnet.runs.storage.record import Record
from declnet.spec.model import RunSpec, resolved_toml
from declnet.spec.requirements import registry_for

REPLACED = (*folder.RUN_FILES, README)
"""The files of a run that an assembled one replaces."""


def assemble(
    spec: RunSpec,
    samples: Table | Mapping[str, InputInfo],
    parameters: Mapping[str, Array],
    states: Sequence[Mapping[str, TransformState]] = (),
    registry: Registry | None = None,
) -> Member:
    """Return the trained model that a spec, parameters and fitted transforms describe.

    Args:
        spec: the spec, whose data sources and training do not matter.
        samples: rows like the training data's, which give the columns, their types and the
            classes, and to which nothing is fitted; of a model that takes arrays, what each input
            holds by name, `""` for the only one without a name.
        parameters: all parameters of the model by `layer.parameter`.
        states: what each transform of `data.prepare` learned, by column; arrays have none.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: the layers do not fit each other or the samples.
        WeightsError: the parameters do not fit the model.
        DataError: the samples do not fit the losses, or a transform has no usable state.
    """
    registry = registry_for(spec.plugins, registry or default_registry())

    def state(transform: Transform, name: str, number: int, _: Array) -> TransformState:
        key = f"states.{number}.{name}"
        try:
            learned = states[number][name]
            verify_state(transform, learned, key)
        except LookupError:
            raise DataError(f'{transform.type} has no state for the column "{name}"') from None
        except ValueError as error:
            raise DataError(str(error)) from None
        return learned

    with attributing_errors(registry):
        if isinstance(samples, Table):
            targets = loss_targets_of(spec.heads)
            preparation = fit_preparation(samples, spec.data.prepare, targets, fit=state)
            infos = preparation.input_infos(preparation.apply(samples))
        else:
            preparation, infos = FittedPreparation.of_arrays(samples), dict(samples)
        model = build_model(spec.model, infos, spec.seed, registry, parameters=parameters)
        return Member(model, preparation, spec, registry)


def write_run(
    member: Member,
    samples: Data,
    out: str | Path,
    *,
    spec_toml: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a trained model as the folder of a finished run, without data, history and metrics.

    Args:
        member: the model.
        samples: samples that the model takes, with targets. The folder holds rows drawn from their
            ranges and categories, and what the components compute for them.
        out: the folder, new or empty.
        spec_toml: the spec as text; default: with all defaults written out.
        overwrite: whether to replace the files of a run in the folder. What a person wrote into its
            model card stays.

    Raises:
        OutputError: the folder is not empty, or another process is writing to it.
        RunError: a file cannot be written.
    """
    out = Path(out)
    text = resolved_toml(member.spec) if spec_toml is None else spec_toml
    manifest = manifest_of(member, text.encode())
    rows = SyntheticRows.drawn(samples, member.preparation, member.spec.heads)
    behavior = BEHAVIOR_FILE.write(Behavior.recorded(rows, of_model(member)))
    card, former = card_of_run(Predictor([member]), manifest, {}), ""
    if overwrite and out.is_dir():
        with locked(out):
            _require_replaceable(out)
            with reading(out / README):
                former = (content_of(out / README) or b"").decode().replace("\r\n", "\n")
            for name in REPLACED:
                with suppress(FileNotFoundError):
                    (out / name).unlink()
    with claimed(out) as directory:
        record = Record.begun(directory, text, member.preparation, manifest, may_wait=True)
        others = {folder.BEHAVIOR: behavior, README: card.document(former).encode()}
        record.finished(member.model, {}, 0.0, {"epochs": 0}, others)
    return out


def _require_replaceable(out: Path) -> None:
    """Raise OutputError if a folder has more than the files of an assembled run."""
    others = sorted(path.name for path in out.iterdir() if path.name not in REPLACED)
    if others:
        raise OutputError(f'{out}: has "{others[0]}", which is not a file of an imported model')
