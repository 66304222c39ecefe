"""`pack_run`: one file with the model of a run, or of a group whose models are used as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from declnet.errors import OutputError
from declnet.runs.many.group import is_group, open_group
from declnet.runs.many.journal import JOURNAL
from declnet.runs.model_card import card_of_group, card_of_run, versions_of
from declnet.runs.storage import folder
from declnet.runs.storage.checksums import RunFiles
from declnet.runs.storage.folder import content_of, unpacked
from declnet.runs.storage.pack import write_pack
from declnet.runs.storage.readme import README, Card
from declnet.runs.storage.writing import require_free
from declnet.runs.stored_run import StoredRun, open_run

REQUIREMENTS = "requirements.txt"
"""The versions of the distributions whose components the models of a pack have."""


class _Entries(Mapping[str, bytes]):
    """The contents of files, each read when it is asked for: together they may exceed the memory.

    Args:
        readers: what reads each file, by its path.
    """

    def __init__(self, readers: Mapping[str, Callable[[], bytes]]) -> None:
        self._readers = readers

    def __getitem__(self, path: str) -> bytes:
        return self._readers[path]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)


def pack_run(path: str | Path, output: str | Path, *, force: bool = False) -> str:
    """Write the model of a run, or of a group of runs used as one, to one file.

    Whatever takes the folder of a run to read takes the file, too. It has every file that the
    manifest of a run lists; of a group, its specs and weights, and the runs of all members, or of
    the trials that have a weight; the model card; and the versions of what the models need. It has
    no data, no checkpoints and no files that callbacks wrote. The same run gives the same bytes.

    Args:
        path: the folder of a finished run, of folds, seeds or members, or of a study that selects
            weights of its trials.
        output: the file to write, whose name must end in `.declnet`.
        force: whether to replace an existing file.

    Returns:
        The SHA-256 of the file, in hexadecimal.

    Raises:
        OutputError: the folder holds no model, or is damaged; or the file cannot be written.
        DeclnetError: the folder has no model card, and the model cannot be loaded to write one.
    """
    output, source = Path(output), unpacked(path)
    require_free(output, force)
    if is_group(source):
        group = open_group(source)
        runs = group.packed_runs()
        # a study knows its runs by its journal, other groups by their file
        names = [folder.GROUP, folder.SUMMARY, *([JOURNAL] if group.file.tasks is None else [])]
        files = {name: content for name in names if (content := content_of(source / name))}
        if folder.GROUP not in files or group.status != "finished":
            raise OutputError(f"{source}: these runs are not finished ({group.status}); resume it")
        name, make_card = group.name, partial[Card](card_of_group, group)
    else:
        run = open_run(source)
        if run.status != "finished":
            raise OutputError(f"{source}: this run is not finished ({run.status}); resume it")
        runs, files = {"": run}, {}
        name, make_card = run.name, partial(_card_of, run)
    readme = content_of(source / README)
    files[README] = make_card().document().encode() if readme is None else readme
    manifests = [stored.manifest for stored in runs.values()]
    versions = (f"{needed}=={version}\n" for needed, version in versions_of(manifests).items())
    files[REQUIREMENTS] = f"# Python {manifests[0].python}\n{''.join(versions)}".encode()
    readers = {file: partial(bytes, content) for file, content in files.items()}
    for task, stored in runs.items():
        for file, reader in _readers_of(stored):
            readers[f"{task}/{file}" if task else file] = reader
    return write_pack(output, name, _Entries(readers), force=force)


def _card_of(run: StoredRun) -> Card:
    return card_of_run(run.predictor(), run.manifest, run.metrics)


def _readers_of(run: StoredRun) -> Iterator[tuple[str, partial[bytes]]]:
    """Yield the manifest of a run and the files that it lists, and what reads each unchanged."""
    files = RunFiles(run.path, run.manifest.files, run.status)
    manifest = content_of(run.path / folder.MANIFEST) or b""
    yield folder.MANIFEST, partial(bytes, manifest)
    for name in run.manifest.files:
        yield name, partial(files.require, name)
