"""The options of `declnet serve`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The options of `declnet serve`, which worker processes receive.

    Attributes:
        models: the names in paths, with their folders.
        disabled: plugins to disable.
        allow_changes: whether components may compute something else than in the training.
        host: the address to listen on.
        port: the port; 0: any free one.
        workers: processes.
        threads: predictions at the same time, in each process.
        queue: predictions that wait for a thread, in each process; more get 503.
        connections: open at the same time, in each process.
        max_bytes: of a request's body.
        max_rows: of a request.
        timeout: seconds from a request's body to its response, waiting included.
        client_timeout: seconds in which a client must send a request, and take a response.
        grace: seconds in which requests are completed when the server stops.
        poll: seconds between looks at the folders of runs; 0: never.
        hosts: accepted values of the header Host, without ports; empty: any.
        log_requests: whether each request is logged.
        token_file: the file of the tokens that requests must have; None: they need none.
        counts: the folder in which worker processes keep their counts; None if there is one.
    """

    models: tuple[tuple[str, Path], ...]
    disabled: tuple[str, ...] = ()
    allow_changes: bool = False
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    threads: int = 2
    queue: int = 64
    connections: int = 1000
    max_bytes: int = 8 * 2**20
    max_rows: int = 10_000
    timeout: float = 30.0
    client_timeout: float = 10.0
    grace: float = 30.0
    poll: float = 1.0
    hosts: tuple[str, ...] = ()
    log_requests: bool = True
    token_file: Path | None = None
    counts: Path | None = None
