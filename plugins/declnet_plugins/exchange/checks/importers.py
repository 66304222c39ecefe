"""Checks on importers: files that are not of their format are refused."""

from __future__ import annotations

import numpy as np

from declnet import BrokenContractError, DeclnetError, verified
from declnet.testing import CheckFailed, CheckSkipped, Subject, calling, check
from declnet_plugins.exchange.checks.exporters import written_file
from declnet_plugins.exchange.importer import Importer

MALFORMED = {
    "an empty file": b"",
    "text": b"[model]\nlayers = 3\n",
    "random bytes": np.random.default_rng(11).integers(0, 256, 400, np.uint8).tobytes(),
    "a size beyond the file": b"\xff\xff\xff\xff\xff\xff\xff\x7f{}",
    "nested lists": b"[" * 100_000,
}
"""Files that no format should take for a network."""


@check
def refuses_files_of_no_network(subject: Subject) -> None:
    """Refuses a malformed, a missing and a large nested file by an error that names it."""
    importer, refusals = subject.instance, {}
    with written_file(subject) as path:
        files = [*MALFORMED.items()][-1:] if subject.example else MALFORMED.items()  # slow ones
        for name, content in (*files, ("a missing file", None)):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)
            with calling(f"read, given {name},"):
                try:
                    verified(Importer.read, importer, path)
                except BrokenContractError:
                    raise
                except DeclnetError as error:
                    refusals[name] = str(error)
            if name not in refusals:
                raise CheckFailed(f"read() takes {name} for a network")
    if len(set(refusals.values())) == 1:
        raise CheckSkipped(f"it needs more than the file: {refusals['a missing file']}")
    for name, message in refusals.items():
        if path.name not in message:
            raise CheckFailed(f"read() refuses {name} without naming the file: {message}")


CHECKS = (refuses_files_of_no_network,)
