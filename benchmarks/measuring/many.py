"""The measuring process of many runs: `python -m measuring.many PEER WORK COUNT FOLDER`.

It writes the loss of each run to FOLDER/losses.json; the parent process measures its time.
"""

import json
import sys
from pathlib import Path

from peers.many import many_peer_named
from works.many import many_work_named


def main(peer: str, work: str, count: str, folder: str) -> None:
    """Train one work by one peer."""
    train = many_peer_named(peer).load()
    losses = train(many_work_named(work), Path(folder), int(count))
    Path(folder, "losses.json").write_text(json.dumps(losses), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
