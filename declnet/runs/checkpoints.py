"""The checkpoints in a run's folder: their files, which are kept, and which can be trusted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from declnet.contracts.arrays import Array
from declnet.contracts.serialization import from_plain, to_plain
from declnet.runs.folder import CHECKPOINTS
from declnet.runs.writing import remove_temporary, write_atomically, write_json

FORMAT = "declnet.checkpoint.1"


class CheckpointError(ValueError):
    """The bytes are no checkpoint; the message says why."""


def packed(content: dict[str, Any]) -> bytes:
    """The file of plain values (see `declnet.contracts.serialization`).

    Raises:
        NotPlainError: they are not plain.
    """
    from safetensors.numpy import save

    arrays: dict[str, Array] = {}
    parts = {name: to_plain(value, arrays, name) for name, value in content.items()}
    return save(arrays, {FORMAT: json.dumps(parts, allow_nan=False)})


def unpacked(data: bytes) -> dict[str, Any]:
    """The values that `packed` was given.

    Raises:
        CheckpointError: the bytes are no checkpoint of this format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(data)
        size = int.from_bytes(data[:8], "little")
        parts = json.loads(json.loads(data[8 : 8 + size])["__metadata__"][FORMAT])
        return {name: from_plain(plain, arrays) for name, plain in parts.items()}
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"no checkpoint of format {FORMAT}: {error}") from None


INDEX = "index.json"
KEEP_LAST = 2
"""How many are kept if no callback says."""

Notice = Callable[[str], None]


@dataclass(frozen=True)
class Checkpoint:
    """A line of the index.

    Attributes:
        file: in the folder of checkpoints.
        epoch: that is at work or comes next.
        batch: batches of that epoch that are done.
        step: updates made.
        sha256: of the file.
        best: whether a callback called it the best.
    """

    file: str
    epoch: int
    batch: int
    step: int
    sha256: str
    best: bool = False


class Checkpoints:
    """The folder `checkpoints`, which is made for the first one.

    A checkpoint is written under a name of its own, then the index that has its checksum, each
    atomically, and only then what is not kept any more is removed. So a kill at any moment leaves
    an index whose checkpoints are whole.
    """

    def __init__(self, directory: Path) -> None:
        self._folder = directory / CHECKPOINTS
        self.kept: list[Checkpoint] = []

    def write(
        self, content: dict[str, Any], epoch: int, batch: int, step: int, best: bool, keep_last: int
    ) -> None:
        """Writes a checkpoint, or marks the one that is there for the same moment as the best.

        Args:
            content: plain values.
            epoch: as in `Checkpoint`; batch and step too.
            best: whether it takes the place of the best so far.
            keep_last: how many are kept besides the best.

        Raises:
            OSError: it cannot be written.
            NotPlainError: the content is not plain.
        """
        kept = [replace(each, best=each.best and not best) for each in self.kept]
        if kept and (kept[-1].epoch, kept[-1].batch) == (epoch, batch):
            kept[-1] = replace(kept[-1], best=best or kept[-1].best)
        else:
            data, name = packed(content), f"step-{step:09}.safetensors"
            self._folder.mkdir(exist_ok=True)
            write_atomically(self._folder / name, data)
            checksum = hashlib.sha256(data).hexdigest()
            kept.append(Checkpoint(name, epoch, batch, step, checksum, best))
        self._keep([each for each in kept[:-keep_last] if each.best] + kept[-keep_last:])

    def read(self, notice: Notice) -> Iterator[tuple[Checkpoint, dict[str, Any]]]:
        """The checkpoints that are whole, from the newest to the oldest.

        Args:
            notice: told, in a sentence, of each that is not.
        """
        try:
            self.kept = self._index()
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError):
            notice(f"{self._folder / INDEX} is damaged, so no checkpoint can be trusted")
            return
        for each in reversed(self.kept):
            try:
                yield each, self._content(each)
            except FileNotFoundError:
                notice(f"{self._folder / each.file} is missing; taking the checkpoint before it")
            except (OSError, CheckpointError) as error:
                notice(
                    f"{self._folder / each.file} is damaged ({error}); "
                    "taking the checkpoint before it"
                )

    def go_on_from(self, checkpoint: Checkpoint | None) -> None:
        """Forgets those after a checkpoint, or all, and removes what no index names."""
        if not self._folder.is_dir():
            return
        remove_temporary(self._folder)
        last = checkpoint.step if checkpoint is not None else -1
        self._keep([each for each in self.kept if each.step <= last])

    def clear(self) -> None:
        """Removes all, and the folder unless there is something else in it; raises OSError."""
        if self._folder.is_dir():
            self._keep([])
            (self._folder / INDEX).unlink(missing_ok=True)
            if not any(self._folder.iterdir()):
                self._folder.rmdir()

    def _keep(self, kept: list[Checkpoint]) -> None:
        write_json(self._folder / INDEX, [asdict(each) for each in kept])
        self.kept = kept
        names = {each.file for each in kept}
        for each in self._folder.glob("step-*.safetensors"):
            if each.name not in names:
                each.unlink(missing_ok=True)

    def _index(self) -> list[Checkpoint]:
        entries = json.loads((self._folder / INDEX).read_text("utf-8"))
        if not isinstance(entries, list):
            raise TypeError("the index is no list")
        kept = [Checkpoint(**entry) for entry in entries]
        if any(Path(each.file).name != each.file for each in kept):
            raise ValueError("a checkpoint lies in another folder")
        return sorted(kept, key=lambda each: each.step)

    def _content(self, checkpoint: Checkpoint) -> dict[str, Any]:
        data = (self._folder / checkpoint.file).read_bytes()
        if hashlib.sha256(data).hexdigest() != checkpoint.sha256:
            raise CheckpointError("its checksum is another")
        return unpacked(data)
