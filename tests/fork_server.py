"""A process that has imported declnet and forks for each requested command line or program.

Each runs in its own process, without waiting for Python to start, import and build classes.
Requests and responses are JSON, one per line.
"""

import atexit
import gc
import json
import os
import pkgutil
import runpy
import sys
import threading
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, NoReturn

import numpy.ma  # noqa: F401
import rich.progress
import rich.table  # noqa: F401
import threadpoolctl  # noqa: F401
import tree_sitter_toml  # noqa: F401

import declnet.cli
import declnet.runs
import declnet.testing.packages
from declnet.cli.main import main
from declnet.cli.plugin_commands import GROUP
from declnet.contracts.strict_model import StrictModel
from declnet.registry.discovery import discover
from declnet.stored import Stored


def warm_up() -> None:
    """Import the commands and the installed components, and have pydantic build their schemas.

    The registry is discarded, so each command line discovers the plugins of its environment.
    """
    for package in (declnet.cli, declnet.runs):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".templates." not in module.name:
                import_module(module.name)
    for command in entry_points(group=GROUP):
        command.load()
    for entry in discover().entries():
        entry.component  # noqa: B018
    for value in gc.get_objects():
        if type(value) is Stored:
            value._adapter  # noqa: B018
        elif isinstance(value, type) and issubclass(value, StrictModel):
            value.model_rebuild(raise_errors=False)
    gc.freeze()


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(json.loads(line))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


def become(request: dict[str, Any]) -> NoReturn:
    """Turn this process into `python -m declnet` with a request's arguments and environment."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    new = [folder for folder in path if folder and folder not in sys.path]
    sys.path[:1] = [request["folder"], *new]
    program = request["program"]
    sys.argv = [program or "declnet", *request["arguments"]]
    flags = os.O_CREAT | os.O_TRUNC | os.O_NOCTTY
    os.dup2(os.open(request["in"], os.O_RDONLY | os.O_NOCTTY), 0)
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(request[name], os.O_WRONLY | flags), descriptor)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    try:
        if program:
            runpy.run_path(program, run_name="__main__")
            sys.exit()
        main()
    except SystemExit as ended:
        end(ended)


def end(ended: SystemExit) -> NoReturn:
    """Exit like Python, but without freeing the server's classes one by one."""
    code = 0 if ended.code is None else ended.code
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except Exception:  # Python reports a stream that cannot be written to
        raise ended from None
    if not isinstance(code, int):
        raise ended
    os._exit(code)


if __name__ == "__main__":
    warm_up()
    serve()
