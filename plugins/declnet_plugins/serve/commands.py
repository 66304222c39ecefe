"""The command `declnet serve`."""

from __future__ import annotations

import re
from pathlib import Path

import click

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port; 0: any free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Number of worker processes, each with its own copy of the models.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    default=2,
    show_default=True,
    help="Number of requests predicted at the same time, in each process.",
)
@click.option(
    "--queue",
    type=click.IntRange(0),
    default=64,
    show_default=True,
    help="Number of requests that may wait for a thread, in each process; more are refused with "
    "503.",
)
@click.option(
    "--connections",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Maximum number of open connections, in each process.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(1),
    default=8 * 2**20,
    show_default=True,
    help="Maximum size of a request body.",
)
@click.option(
    "--max-rows",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Maximum number of rows in a request.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.01),
    default=30.0,
    show_default=True,
    help="Time limit for the predictions of a request, including waiting, in seconds.",
)
@click.option(
    "--client-timeout",
    type=click.FloatRange(0.1),
    default=10.0,
    show_default=True,
    help="Time limit for a client to send its request and receive the response, in seconds.",
)
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    help="Time to complete requests on SIGTERM, in seconds.",
)
@click.option(
    "--poll",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="Interval between checks for retrained runs, in seconds; 0: never check.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Also accept this name in the Host header.  [default: any name, or only local ones on a "
    "loopback address]",
)
@click.option(
    "--log-requests/--no-log-requests",
    default=True,
    show_default=True,
    help="Log a line for each request.",
)
@click.option(
    "--no-plugin",
    "disabled",
    multiple=True,
    metavar="NAME",
    help="Disable a plugin: the name of its entry point or distribution.",
)
def serve(
    runs: tuple[str, ...],
    host: str,
    port: int,
    workers: int,
    threads: int,
    queue: int,
    connections: int,
    max_bytes: int,
    max_rows: int,
    timeout: float,
    client_timeout: float,
    grace: float,
    poll: float,
    hosts: tuple[str, ...],
    log_requests: bool,
    disabled: tuple[str, ...],
) -> None:
    """Serve the models of RUNs, folders that `declnet run` wrote, over HTTP.

    NAME=RUN gives a model a name other than its folder's. A folder of folds or seeds is one model.
    Rows are sent to /models/NAME/predict, or /predict if there is one model, as JSON or CSV; /docs
    describes the columns. A run that is trained again replaces the model being served, if it has
    the same columns, outputs and classes.

    Logs are JSON lines on standard error. It needs the extra `serve`: pip install 'declnet[serve]'.
    """
    from dataclasses import replace

    from declnet import print_line
    from declnet_plugins.serve.options import Options

    _require_packages()
    from declnet_plugins.serve import server
    from declnet_plugins.serve.logs import log
    from declnet_plugins.serve.models import load_models

    if host in _LOOPBACK:
        hosts = (*_LOOPBACK, "[::1]", *hosts)
    elif hosts:
        hosts = (host, *hosts)
    options = Options(
        models=_named(runs),
        disabled=disabled,
        host=host,
        port=port,
        workers=workers,
        threads=threads,
        queue=queue,
        connections=connections,
        most_bytes=max_bytes,
        most_rows=max_rows,
        timeout=timeout,
        body_timeout=client_timeout,
        grace=grace,
        poll=poll,
        hosts=hosts,
        log_requests=log_requests,
    )
    registry = server.registry_of(options)
    models = load_models(options.models, registry, lambda sentence: log("note", note=sentence))
    with server.listening(options) as listener:
        options = replace(options, port=listener.getsockname()[1])
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{options.port}"
        log("listening", url=url, models=list(models), workers=workers)
        print_line(f"{', '.join(models)}: {url}/docs")
        if workers == 1:
            server.serve_here(models, options, listener, registry)
        else:
            contracts = {name: served.model.contract for name, served in models.items()}
            del models
            server.serve_in_processes(options, listener, contracts)


def _require_packages() -> None:
    from importlib.util import find_spec

    from declnet import DeclnetError

    if find_spec("uvicorn") is None:
        error = DeclnetError(
            "serving needs a package that is not installed (uvicorn): pip install 'declnet[serve]'"
        )
        error.exit_code = 2
        raise error


def _named(runs: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    """Return the names and folders of runs, given as NAME=RUN or RUN."""
    found: dict[str, Path] = {}
    for run in runs:
        before, equals, after = run.partition("=")
        if equals and not Path(run).exists():
            name, path = before, Path(after)
        else:
            path = Path(run)
            name = path.resolve().name
        if not _NAME.fullmatch(name):
            raise click.UsageError(
                f'the name "{name}" may have only letters, digits, ".", "_" and "-": '
                f"give another, NAME={path}"
            )
        if name in found:
            raise click.UsageError(f'two models are called "{name}": give one a name, NAME={path}')
        found[name] = path
    return tuple(found.items())
