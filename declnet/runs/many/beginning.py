"""Begin a group: the content of its file, and its folder, from which it can be resumed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

from declnet.contracts.runs.plan import Plan, Task
from declnet.registry.registry import Registry
from declnet.runs.many.group import Group
from declnet.runs.many.group_file import GroupFile, KnownSpecs, StoredSpec, spec_key
from declnet.runs.many.journal import plain
from declnet.runs.many.plans import run_folder
from declnet.runs.many.shards import Shard, begin_shard
from declnet.runs.storage.folder import claimed
from declnet.spec.members import Members
from declnet.spec.model import RunSpec, fit_name, resolved_document
from declnet.spec.varying_keys import TUNE, Point
from declnet.training.checks.check import Checked


@dataclass(frozen=True, eq=False)
class SweptSpec:
    """One of several specs of a group: of those that a sweep compares, or of members.

    Attributes:
        spec: the spec, whose name is unique.
        seeds: the seeds to train it with; None for its own, without a folder for it.
        point: what varies, and the spec that varies.
        base: the name of that spec.
        checked: the result of checking it.
    """

    spec: RunSpec
    seeds: Sequence[int] | None
    point: Point
    base: str
    checked: Checked | None = None


def tasks_of(
    spec: RunSpec, seeds: Iterable[int] | None = None, *, point: str = "", **fields: Any
) -> list[Task]:
    """Return a task for each seed and each of the spec's folds.

    Args:
        spec: the spec, which may have folds without selecting one.
        seeds: the seeds; None uses the spec's own, without a folder for it.
        point: the folder that holds those of the runs.
        fields: other fields of each task.
    """
    selected, is_crossed = spec.data.fold, spec.data.is_cross_validation
    folds = range(1, (spec.data.folds or 0) + 1) if is_crossed else (None,)
    return [
        Task(
            run_folder(point, seed if seeds is not None else None, fold),
            seed=seed,
            fold=fold or selected,
            point=point,
            **fields,
        )
        for seed, fold in product((spec.seed,) if seeds is None else tuple(seeds), folds)
    ]


def named_points(
    points: Iterable[tuple[Point, RunSpec, Checked]], seeds: tuple[int, ...] | None = None
) -> list[SweptSpec]:
    """Return the points of a spec's sweep as specs whose names say what varies.

    Args:
        points: each with its spec, and the result of checking it.
        seeds: the seeds of each; None for those of its sweep, or its own.
    """
    swept: list[SweptSpec] = []
    names: set[str] = set()
    for point, spec, checked in points:
        name = spec.name
        if point.label:
            name = fit_name(spec.name + point.label)
            if name.casefold() in names:  # another label was cut to the same name
                name = fit_name(f"{len(names)}-{name}")
            names.add(name.casefold())
        named = spec.model_copy(update={"name": name})
        of_point = seeds or point.seeds or (spec.seed,)
        light = replace(checked, sets=None, loaded=None)  # runs load their data when they begin
        swept.append(SweptSpec(named, of_point, point, spec.name, light))
    return swept


@contextmanager
def begun_group(
    out: str | Path,
    file: GroupFile,
    registry: Registry | None,
    *,
    specs: KnownSpecs | None = None,
    label: str | None = None,
    numbered: bool = False,
    shard: Shard | str | None = None,
) -> Iterator[Group]:
    """Yield a new group, whose folder is locked and has its file.

    Args:
        out: the folder, new or empty.
        file: the content of its file.
        registry: where names are looked up; default: all installed plugins.
        specs: specs that have been validated and checked, by `spec_key`.
        label: what a numbered folder is called; default: the name and the kind of the group.
        numbered: whether to write to a new folder `<label>-<number>` within `out`.
        shard: the part of the runs that the folder will have, or its text; None for all.
    """
    shard = Shard.parse(shard) if isinstance(shard, str) else shard
    label = label or f"{file.name}-{file.kind}"
    label += f"-shard-{shard}" if shard is not None else ""
    with claimed(Path(out), label, numbered=numbered) as folder:
        group = Group(folder, file, registry, specs=specs)
        if shard is not None:
            begin_shard(folder, shard, shard.within(file.tasks or (), group.spec_of))
        file.write(folder)
        yield group


def series_file(spec: RunSpec, seeds: Sequence[int] | None) -> tuple[GroupFile, KnownSpecs]:
    """Return the content of `group.json` for the members, seeds and folds of a spec.

    Also the known specs.
    """
    if spec.members is not None:
        return _members_file(spec.name, spec.members, seeds)
    kind = "folds" if seeds is None else "seeds"
    file = GroupFile.of_spec(spec, tasks_of(spec, seeds), kind=kind)
    return file, {spec_key(Task("")): (spec, None)}


def _members_file(
    name: str, members: Members, seeds: Sequence[int] | None
) -> tuple[GroupFile, KnownSpecs]:
    specs = [member.spec for member in members.members]
    file, known = sweep_file(
        [SweptSpec(spec, seeds, Point("", {}, None, spec.source_map), spec.name) for spec in specs]
    )
    weights = {member.spec.name: member.weight for member in members.members}
    update = {"kind": "members", "name": name, "weights": None if members.selects else weights}
    return file.model_copy(update=update), known


def sweep_file(
    swept: Sequence[SweptSpec], metric: str | None = None, ascending: bool | None = None
) -> tuple[GroupFile, KnownSpecs]:
    """Return the content of `group.json` for a sweep, and its specs by `spec_key`."""
    bases: dict[int, int] = {}
    stored, tasks, known = list[StoredSpec](), list[Task](), KnownSpecs()
    for point in swept:
        name, base = point.spec.name, point.point.base
        if base is None:
            document = resolved_document(point.spec.model_copy(update={"name": point.base}))
        else:
            document = base.document
        number = bases.setdefault(id(base if base is not None else point), len(stored))
        if number == len(stored):
            stored.append(StoredSpec.from_document(document, point.spec.folder))
        of_point = tasks_of(
            point.spec, point.seeds, point=name, name=name, changes=point.point.values, base=number
        )
        tasks += of_point
        known[spec_key(of_point[0])] = point.spec, point.checked
    file = GroupFile(
        kind="sweep",
        name=swept[0].base,
        specs=tuple(stored),
        tasks=tuple(tasks),
        metric=metric,
        ascending=ascending,
    )
    return file, known


def study_file(spec: RunSpec) -> GroupFile:
    """Return the content of `group.json` for a study of a spec with a section `[tune]`."""
    tuning = spec.tuning
    assert tuning is not None  # noqa: S101  # checked
    search = {"search": {"type": tuning.searcher.type}}  # the same one, whatever is installed later
    document = {**tuning.base.document, TUNE: search | dict(tuning.section)}
    stored = StoredSpec.from_document(document, spec.folder)
    return GroupFile(
        kind="study",
        name=spec.name,
        specs=(stored,),
        minutes=tuning.keys.minutes,
        worker=uuid4().hex,
    )


def plan_file(spec: RunSpec, plan: Plan) -> GroupFile:
    """Return the content of `group.json` for the runs that a plan asks for."""
    return GroupFile.of_spec(spec, kind="plan", plan=plain(plan))
