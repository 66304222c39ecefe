"""Compare the public face with its record: `python -m tests.public_face [--accept]`.

Run it from the repository's root, with all extras. The exit code is 1 after a change, unless
`--accept` records it, so that the commit's diff shows it to reviewers.
"""

from __future__ import annotations

import sys
from tempfile import TemporaryDirectory

from tests.public_face.outputs import real_process
from tests.public_face.recorded import RECORD, as_text, difference, now


def main() -> int:
    """Print the changes or record them, and return the exit code."""
    with TemporaryDirectory() as folder:
        sections = now(folder, real_process(folder))
    if "--accept" in sys.argv:
        RECORD.write_text(as_text(sections), "utf-8")
        return 0
    changes = difference(sections)
    sys.stdout.write("\n".join([*changes, ""]) or "as recorded\n")
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main())
