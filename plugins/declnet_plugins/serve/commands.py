"""The command `declnet serve`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from declnet import ExtraCommand, TrainedOptions
from declnet_plugins.serve.options import Options

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_Command = TypeVar("_Command", bound=Callable[..., Any])
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _limit(name: str, type_: click.ParamType[Any], help_: str) -> Callable[[_Command], _Command]:
    """Return an option with the name and the default of a field of `Options`."""
    default = getattr(Options, name)
    flag = f"--{name.replace('_', '-')}"
    return click.option(flag, type=type_, default=default, show_default=True, help=help_)


@click.command(
    cls=ExtraCommand,
    extra="declnet[serve]",
    packages=("httptools", "orjson", "prometheus_client", "uvicorn"),
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@_limit("host", click.STRING, "Address to listen on.")
@_limit("port", click.IntRange(0, 65535), "Port; 0: any free one.")
@_limit(
    "workers",
    click.IntRange(1, 256),
    "Number of worker processes, each with its own copy of the models.",
)
@_limit(
    "threads",
    click.IntRange(1, 256),
    "Number of requests predicted at the same time, in each process.",
)
@_limit(
    "queue",
    click.IntRange(0),
    "Number of requests that may wait for a thread, in each process; more are refused with 503.",
)
@_limit("connections", click.IntRange(1), "Maximum number of open connections, in each process.")
@_limit("max_bytes", click.IntRange(1), "Maximum size of a request body.")
@_limit("max_rows", click.IntRange(1), "Maximum number of rows in a request.")
@_limit(
    "timeout",
    click.FloatRange(0.01),
    "Time limit for the predictions of a request, including waiting, in seconds.",
)
@_limit(
    "client_timeout",
    click.FloatRange(0.1),
    "Time limit for a client to send its request and receive the response, in seconds.",
)
@_limit("grace", click.FloatRange(0), "Time to complete requests on SIGTERM, in seconds.")
@_limit(
    "poll",
    click.FloatRange(0),
    "Interval between checks for retrained runs, in seconds; 0: never check.",
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
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of bearer tokens, one a line, of which a request needs one; health endpoints do "
    "not. It is read again when it changes.",
)
@TrainedOptions.pass_to()
def serve(trained: TrainedOptions, runs: tuple[str, ...], **fields: Any) -> None:
    """Serve the models of RUNs, folders that `declnet run` wrote or packs, over HTTP.

    NAME=RUN gives a model a name other than its folder's. A folder of folds or seeds is one model.
    Rows are sent to /models/NAME/predict, or /predict if there is one model, as JSON or CSV; to
    /invocations as MLflow and SageMaker do; or to /v2/models/NAME/infer, by the Open Inference
    Protocol. /docs describes the columns, and /metrics has counts for Prometheus. A run that is
    trained again replaces the model being served, if it has the same columns, outputs and classes.

    Logs are JSON lines on standard error. It needs the extra `serve`: pip install 'declnet[serve]'.
    """
    from dataclasses import replace

    from declnet import print_line
    from declnet_plugins.serve import server
    from declnet_plugins.serve.logs import log
    from declnet_plugins.serve.models import load_models

    host = fields["host"]
    options = Options(_named(runs), trained.disabled, trained.allow_changes, **fields)
    options = replace(options, hosts=accepted_hosts(host, options.hosts))
    registry = server.registry_of(options)
    tokens = server.tokens_of(options)
    models = load_models(
        options.models,
        registry,
        lambda sentence: log("note", note=sentence),
        allow_changes=options.allow_changes,
    )
    with server.listening(options) as listener:
        options = replace(options, port=listener.getsockname()[1])
        url = f"http://{_in_url(host)}:{options.port}"
        log("listening", url=url, models=list(models), workers=options.workers)
        print_line(f"{', '.join(models)}: {url}/docs")
        if options.workers == 1:
            server.serve_here(models, options, listener, registry, tokens)
        else:
            contracts = {name: served.model.contract for name, served in models.items()}
            del models
            server.serve_in_processes(options, listener, contracts)


def accepted_hosts(host: str, named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of the header Host to accept; empty: any.

    Those of a loopback address are always among them, for probes on the machine itself: no other
    machine can be called so.

    Args:
        host: the address that the server listens on.
        named: those that the user names.
    """
    if host not in _LOOPBACK and not named:
        return ()
    return (*map(_in_url, (*_LOOPBACK, host)), *named)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _named(runs: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    """Return the names and folders of runs, given as NAME=RUN or RUN."""
    folders: dict[str, Path] = {}
    for run in runs:
        before, equals, after = run.partition("=")
        if equals and not Path(run).exists():
            name, path = before, Path(after)
        else:
            path = Path(run)
            name = path.resolve().name.removesuffix(".declnet")
        if not _NAME.fullmatch(name):
            raise click.UsageError(
                f'the name "{name}" may have only letters, digits, ".", "_" and "-": '
                f"give another, NAME={path}"
            )
        if name in folders:
            raise click.UsageError(f'two models are called "{name}": give one a name, NAME={path}')
        folders[name] = path
    return tuple(folders.items())
