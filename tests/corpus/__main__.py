"""Compare the installed declnet with the corpus: `python -m tests.corpus [NAME…]`.

    python -m tests.corpus                    show changes in all transcripts
    python -m tests.corpus predict two_heads  show changes in these two
    python -m tests.corpus --accept predict   record the changes; name them in the commit

Run it from the repository's root. The exit code is 1 after changes that were not accepted.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor

from tests.corpus.replaying import RECORDED_ON, Replayer, fingerprint
from tests.corpus.transcript import transcripts


def main() -> int:
    """Run the command line, and return its exit code."""
    parser = ArgumentParser(prog="python -m tests.corpus")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--accept", action="store_true", help="record the changes")
    options = parser.parse_args()
    chosen = [one for one in transcripts() if not options.names or one.name in options.names]
    unknown = set(options.names) - {one.name for one in chosen}
    if unknown:
        parser.error(f"no such transcript: {', '.join(sorted(unknown))}")
    if options.accept and not options.names:
        parser.error("--accept needs the names of the transcripts whose change is meant")
    replayer = Replayer()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        replays = list(threads.map(replayer.replay, chosen))
    replayer.end()
    changed = [replay for replay in replays if replay.changed]
    for replay in changed:
        sys.stdout.writelines(replay.difference())
        if options.accept and replay.now is not None:
            replay.transcript.path.write_text(replay.now, "utf-8")
    skipped = [replay.transcript.name for replay in replays if replay.now is None]
    print(f"{len(replays) - len(skipped)} transcripts, {len(changed)} changed")
    if skipped:
        print(f"skipped, as a module is missing: {', '.join(skipped)}")
    if fingerprint() != RECORDED_ON.read_text("utf-8"):
        print(f"hashes not compared, as they were recorded with\n{RECORDED_ON.read_text('utf-8')}")
    return 1 if changed and not options.accept else 0


if __name__ == "__main__":
    sys.exit(main())
