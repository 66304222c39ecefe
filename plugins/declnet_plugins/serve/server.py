"""Serving processes: one that listens, or several that share its socket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from dataclasses import replace
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn

from declnet import DeclnetError, Registry, default_registry, discover, one_blas_thread
from declnet_plugins.serve.app import App
from declnet_plugins.serve.contract import Contract
from declnet_plugins.serve.logs import log, take_over_logging
from declnet_plugins.serve.models import ServedModel, load_models
from declnet_plugins.serve.options import Options
from declnet_plugins.serve.strict_http import StrictProtocol
from declnet_plugins.serve.tokens import Tokens


class AddressError(DeclnetError):
    """The address cannot be listened on."""

    exit_code = 2


def registry_of(options: Options) -> Registry:
    """Return the registry without the plugins that are disabled."""
    return discover(options.disabled) if options.disabled else default_registry()


def tokens_of(options: Options) -> Tokens | None:
    """Return the tokens that requests must have; raise TokenError if there are none in the file."""
    if options.token_file is None:
        return None
    return Tokens(options.token_file, lambda sentence: log("note", note=sentence))


def listening(options: Options) -> socket.socket:
    """Return a socket bound to the address; raise AddressError if that fails."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listener = socket.create_server((options.host, options.port), family=family, backlog=2048)
        # asyncio does so for the sockets that it makes; else responses wait 40 ms for an ACK
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        where = f"{options.host}:{options.port}"
        raise AddressError(f"cannot listen on {where}: {error.strerror or error}") from None
    return listener


def serve_here(
    models: dict[str, ServedModel],
    options: Options,
    listener: socket.socket,
    registry: Registry,
    tokens: Tokens | None,
) -> None:
    """Serve in this process until SIGTERM or SIGINT; requests in flight are completed."""
    take_over_logging()
    app = App(models, options, registry, tokens)
    config = uvicorn.Config(
        app,
        http=StrictProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=options.connections,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=max(1, round(options.grace)),
    )
    server = _Server(config, app, options.client_timeout)

    def stop(*_: object) -> None:
        server.should_exit = True

    # until uvicorn sets its handlers, and after its shutdown, when it raises the signals again
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with one_blas_thread():  # requests are predicted side by side
        server.run(sockets=[listener])
    log("stopped", process=os.getpid())


class _Server(uvicorn.Server):  # type: ignore[misc]
    """A server that closes connections whose clients neither send nor take anything.

    uvicorn closes connections that are idle after a response. Those that send their first
    headers slowly, or do not read their response, are closed here.
    """

    def __init__(self, config: uvicorn.Config, app: App, patience: float) -> None:
        super().__init__(config)
        self._app, self._patience = app, patience
        self._since: dict[Any, tuple[object, int, float]] = {}

    async def main_loop(self) -> None:
        """Serve until a signal."""
        watch = asyncio.create_task(self._closing())
        await super().main_loop()
        self._app.stopping = True
        watch.add_done_callback(lambda _: None)
        asyncio.get_running_loop().call_later(self._patience, watch.cancel)

    async def _closing(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._patience / 4))
            self._close_slow()

    def _close_slow(self) -> None:
        now, seen = time.monotonic(), {}
        for client in list(self.server_state.connections):
            cycle: Any = getattr(client, "cycle", None)
            transport: Any = client.transport
            unsent = transport.get_write_buffer_size()
            if cycle is not None and not cycle.response_complete and not unsent:
                continue  # the application works on a request, and has its own limits
            state = (cycle, unsent)
            before = self._since.get(client)
            if before is None or before[:2] != state:
                seen[client] = (*state, now)
            elif now - before[2] > self._patience:
                log("slow client", connection_unsent=unsent)
                transport.abort()
            else:
                seen[client] = before
        self._since = seen


def serve_in_processes(
    options: Options, listener: socket.socket, contracts: dict[str, Contract]
) -> None:
    """Serve in several processes; replace one that ends, until SIGTERM or SIGINT.

    Args:
        contracts: those of the models when the server started, which all processes keep.
    """
    with TemporaryDirectory(prefix="declnet-serve-") as counts:
        # prometheus_client looks for it when a worker imports it
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts
        _keep_workers(replace(options, counts=Path(counts)), listener, contracts)


def _keep_workers(
    options: Options, listener: socket.socket, contracts: dict[str, Contract]
) -> None:
    context, stopping = get_context("spawn"), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())

    def start() -> Any:
        process = context.Process(target=_work, args=(options, listener, contracts), daemon=False)
        process.start()
        return process

    workers = [start() for _ in range(options.workers)]
    started = time.monotonic()
    while not stopping.is_set():
        connection.wait([worker.sentinel for worker in workers], timeout=0.2)
        for at, worker in enumerate(workers):
            if worker.exitcode is not None and not stopping.is_set():
                log("worker ended", "error", process=worker.pid, exit_code=worker.exitcode)
                if stopping.wait(0 if time.monotonic() - started > 5 else 1):
                    break
                started = time.monotonic()
                workers[at] = start()
    listener.close()
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + options.grace + 5
    for worker in workers:
        worker.join(max(0.1, deadline - time.monotonic()))
        if worker.exitcode is None:
            worker.kill()
            worker.join()


def _work(options: Options, listener: socket.socket, contracts: dict[str, Contract]) -> None:
    """Load the models and serve, in a worker process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    registry = registry_of(options)
    try:
        tokens = tokens_of(options)
        models = load_models(
            options.models, registry, lambda _sentence: None, allow_changes=options.allow_changes
        )
        for name, served in models.items():
            served.model.require_contract(contracts[name])
    except DeclnetError as error:
        log("not loaded", "error", process=os.getpid(), error=str(error))
        raise SystemExit(1) from None
    log("worker started", process=os.getpid())
    serve_here(models, options, listener, registry, tokens)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
