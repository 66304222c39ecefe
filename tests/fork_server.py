"""A process that has imported declnet, and forks into each command line that it is given.

A command line is then a process of its own as ever, without the time that Python takes to start and
to import. Requests and answers are JSON, a line each.
"""

import json
import os
import sys
from typing import Any, NoReturn

import numpy as np  # noqa: F401
import rich  # noqa: F401

import declnet.cli.main
import declnet.cli.progress
import declnet.cli.reading
import declnet.cli.result_tables
import declnet.runs.run
import declnet.spec.validate


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(json.loads(line))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


def become(request: dict[str, Any]) -> NoReturn:
    """Turn into `python -m declnet` with these arguments, in this folder and environment."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [request["folder"], *(each for each in path if each and each not in sys.path)]
    sys.argv = ["declnet", *request["arguments"]]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    declnet.cli.main.main()


if __name__ == "__main__":
    serve()
