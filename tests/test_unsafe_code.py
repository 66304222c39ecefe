"""Sources run, unpickle and read the environment only where this file declares it.

docs/explanation/security.md promises this.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = ("declnet", "plugins")

FORBIDDEN_MODULES = {
    "cPickle", "cloudpickle", "ctypes", "dill", "ftplib", "http", "joblib", "jsonpickle", "marshal",
    "pickle", "pty", "requests", "runpy", "shelve", "socket", "subprocess", "urllib", "yaml",
}  # fmt: skip

FORBIDDEN_NAMES = {
    "__import__", "compile", "eval", "exec", "execfile", "input",
}  # fmt: skip

FORBIDDEN_ATTRIBUTES = {
    "environ", "exec_module", "expanduser", "expandvars", "getenv", "home", "import_module",
    "popen", "spawn", "system", "execv", "execve", "execvp", "putenv",
}  # fmt: skip

DECLARED = {
    ("declnet/cli/display/diagnostics.py", "environ"): "NO_COLOR",
    ("declnet/cli/plugin_commands.py", "environ"): "DECLNET_DISABLE_PLUGINS",
    ("declnet/cli/plugin_commands.py", "import_module"): "the command that a plugin announced",
    ("declnet/testing/side_effects.py", "environ"): "restored after each check",
    ("declnet/testing/isolation.py", "environ"): "passed on to the process that checks a plugin",
    ("declnet/cache.py", "environ"): "DECLNET_CACHE_DIR",
    ("declnet/inspection/doctor/diagnosis.py", "environ"): "variables of a fixed list are shown",
    ("declnet/inspection/doctor/diagnosis.py", "home"): "shown as ~",
    ("declnet/cli/process.py", "ctypes"): "ends a command with its parent process",
    ("declnet/contracts/execution/engine.py", "ctypes"): "calls what a plugin compiled",
    (
        "declnet/spec/document/key_positions.py",
        "import_module",
    ): "the grammar of TOML or JSON, a constant",
    ("declnet/registry/discovery.py", "environ"): "DECLNET_DISABLE_PLUGINS, DECLNET_STRICT_PLUGINS",
    ("declnet/registry/entry.py", "import_module"): "the class that a plugin announced",
    ("declnet/registry/lazy.py", "import_module"): "a submodule of the plugin's own package",
    ("declnet/runs/many/run_tasks.py", "socket"): "the name of this machine",
    ("plugins/declnet_plugins/serve/client.py", "http.client"): "an error of the next",
    ("plugins/declnet_plugins/serve/client.py", "urllib.error"): "an error of the next",
    ("plugins/declnet_plugins/serve/client.py", "urllib.parse"): "the address of a server",
    (
        "plugins/declnet_plugins/serve/client.py",
        "urllib.request",
    ): "asks the server that `declnet diff` names, by HTTP alone",
    (
        "declnet/runs/many/local_executors.py",
        "environ",
    ): "what its workers inherit, and one BLAS thread",
    (
        "declnet/runs/many/local_executors.py",
        "subprocess",
    ): "the workers of --jobs, a constant command",
    ("declnet/testing/another_process.py", "environ"): "what its process inherits, but for the day",
    (
        "declnet/testing/another_process.py",
        "import_module",
    ): "the class and the function that it compares",
    (
        "declnet/testing/another_process.py",
        "subprocess",
    ): "the same results, a constant command",
    ("declnet/testing/checks/executors.py", "socket"): "the name of this machine",
    (
        "declnet/testing/isolation.py",
        "subprocess",
    ): "the checks of `plugins check`, a constant command",
    ("declnet/testing/catalogue.py", "import_module"): "the checks that a contract names",
    ("declnet/registry/discovery.py", "import_module"): "the package that `plugins check` is given",
    (
        "plugins/declnet_plugins/export/c99/compiled.py",
        "ctypes",
    ): "the library that it has compiled",
    ("plugins/declnet_plugins/export/c99/compiled.py", "environ"): "CC, the C compiler",
    ("plugins/declnet_plugins/export/c99/compiled.py", "subprocess"): "compiles the exported file",
    (
        "plugins/declnet_plugins/export/numpy_file/exporter.py",
        "compile",
    ): "the file that it has written",
    (
        "plugins/declnet_plugins/export/numpy_file/exporter.py",
        "exec",
    ): "the same, compared with declnet",
    ("declnet/training/concurrency.py", "environ"): "DECLNET_NUM_THREADS, OMP_NUM_THREADS",
    ("plugins/declnet_plugins/jit/routines/pcg64.py", "ctypes"): "the state of NumPy's generator",
    (
        "plugins/declnet_plugins/onnx/importing/process.py",
        "subprocess",
    ): "the process that reads an ONNX file, a constant command",
    ("plugins/declnet_plugins/optuna/storage.py", "environ"): "a password, in a variable DECLNET_…",
    (
        "plugins/declnet_plugins/jit/replay/draws.py",
        "ctypes",
    ): "NumPy's functions that draw numbers",
    ("plugins/declnet_plugins/jit/replay/shadow.py", "ctypes"): "the memory around an array",
    (
        "plugins/declnet_plugins/jit/routines/settings.py",
        "environ",
    ): "Numba's settings, NUMBA_…",
    (
        "plugins/declnet_plugins/jit/threads.py",
        "ctypes",
    ): "the system's function that lets threads run",
    (
        "plugins/declnet_plugins/jit/replay/ufunc_loops.py",
        "ctypes",
    ): "the inner loops of NumPy's functions",
    ("plugins/declnet_plugins/serve/client.py", "environ"): "a token, in a variable DECLNET_…",
    ("plugins/declnet_plugins/serve/requests.py", "urllib.parse"): "the query of a request, parsed",
    ("plugins/declnet_plugins/serve/problems.py", "http"): "the names of HTTP's statuses",
    ("plugins/declnet_plugins/serve/server.py", "environ"): "where worker processes count",
    ("plugins/declnet_plugins/serve/server.py", "socket"): "what `declnet serve` listens on",
    (
        "plugins/declnet_plugins/standard/data/examples.py",
        "import_module",
    ): "sklearn.datasets, a constant",
    (
        "plugins/declnet_plugins/standard/data/sql.py",
        "environ",
    ): "a password, in a variable DECLNET_…",
}
"""Uses that a spec must never cause, by source, each with its purpose."""


def uses(source: str) -> Iterator[str]:
    """Yield the forbidden uses in a source: modules, functions, attributes, unsafe loading."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (name for name in names if _root(name) in FORBIDDEN_MODULES)
        elif isinstance(node, ast.ImportFrom):
            if _root(node.module or "") in FORBIDDEN_MODULES:
                yield node.module or ""
            yield from (alias.name for alias in node.names if alias.name in FORBIDDEN_ATTRIBUTES)
        elif isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
            yield node.id
        elif isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_ATTRIBUTES:
            yield node.attr
        elif isinstance(node, ast.Call) and _loads_arrays(node) and not _refuses_pickles(node):
            yield "allow_pickle"


def _root(module: str) -> str:
    return module.partition(".")[0]


def _loads_arrays(call: ast.Call) -> bool:
    return ast.unparse(call.func) in ("np.load", "numpy.load", "np.lib.format.read_array")


def _refuses_pickles(call: ast.Call) -> bool:
    return "allow_pickle=False" in map(ast.unparse, call.keywords)


def test_sources_have_only_declared_uses(repository: Path) -> None:
    files = [file for folder in SOURCES for file in (repository / folder).rglob("*.py")]
    used = {
        (file.relative_to(repository).as_posix(), use)
        for file in files
        for use in uses(file.read_text("utf-8"))
    }
    assert len(files) > 100
    assert used == set(DECLARED)


@pytest.mark.parametrize(
    ("source", "use"),
    [
        ("import pickle", "pickle"),
        ("from pickle import loads", "pickle"),
        ("import os.path, marshal", "marshal"),
        ("from os import environ", "environ"),
        ("import os\nos.getenv('X')", "getenv"),
        ("eval('1')", "eval"),
        ("run = exec", "exec"),
        ("np.load(path)", "allow_pickle"),
        ("np.load(path, allow_pickle=True)", "allow_pickle"),
        ("path.expanduser()", "expanduser"),
        ("from urllib.request import urlopen", "urllib.request"),
    ],
)
def test_a_forbidden_use_would_be_found(source: str, use: str) -> None:
    assert list(uses(source)) == [use]


def test_what_is_allowed_is_not_found() -> None:
    assert list(uses("import re\nre.compile('a')\nnp.load(p, allow_pickle=False)")) == []
