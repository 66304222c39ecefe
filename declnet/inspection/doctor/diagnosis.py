"""What is installed on this machine, as data, and the problems that follow from it."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import declnet
from declnet import Registry, default_registry
from declnet.inspection.doctor.cached_files import Cache, find_cache
from declnet.inspection.doctor.requirements import Extra, core_packages, find_extras, unmet_core

VARIABLES = (
    "DECLNET_CACHE_DIR",
    "DECLNET_DISABLE_PLUGINS",
    "DECLNET_NUM_THREADS",
    "DECLNET_STRICT_PLUGINS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
    "PYTHONPATH",
    "VECLIB_MAXIMUM_THREADS",
)
"""Environment variables that are shown; no other, since those may hold passwords."""


@dataclass(frozen=True)
class Blas:
    """A library of linear algebra that NumPy has loaded.

    Attributes:
        architecture: the processor whose code it runs, if it says so.
        threads: the largest number of threads of one operation.
    """

    library: str
    version: str | None
    architecture: str | None
    threads: int


@dataclass(frozen=True)
class Diagnosis:
    """The installation; the fields are the keys of `declnet doctor --format json`.

    Attributes:
        declnet: the version.
        folder: the folder that it was imported from.
        processor: its model, as the system calls it.
        usable_cores: the cores that this process may use.
        environment: the variables of `VARIABLES` that are set.
        packages: the versions of the distributions that the core requires.
        plugins: the names of the plugins by their distribution with its version.
        disabled: the disabled plugins.
        problems: what is wrong, each with what to do where that is known.
    """

    declnet: str
    folder: str
    python: str
    platform: str
    processor: str
    cores: int
    usable_cores: int
    blas: tuple[Blas, ...]
    environment: dict[str, str]
    packages: dict[str, str]
    plugins: dict[str, tuple[str, ...]]
    disabled: tuple[str, ...]
    cache: Cache
    extras: tuple[Extra, ...]
    problems: tuple[str, ...]


def diagnose() -> Diagnosis:
    """Examine the installation; every component is imported, so that a broken one shows."""
    registry = default_registry()
    list(registry.offers())  # imports what plugins announce
    blas, cache = [*_blas()], find_cache()
    problems = [*unmet_core(), *_numpy_problem(), *_plugin_problems(registry)]
    if cache.problem:
        cache = replace(cache, problem=without_home(cache.problem))
        problems.append(f"the cache is not used: {cache.problem}")
    plugins: dict[str, tuple[str, ...]] = {}
    for plugin in registry.plugins:
        plugins[plugin.origin] = (*plugins.get(plugin.origin, ()), plugin.name)
    return Diagnosis(
        declnet=declnet.__version__,
        folder=without_home(str(Path(declnet.__file__).parent)),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=platform.platform(),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        usable_cores=_usable_cores(),
        blas=tuple(blas),
        environment={
            name: without_home(os.environ[name]) for name in VARIABLES if name in os.environ
        },
        packages=core_packages(),
        plugins=plugins,
        disabled=tuple(map(str, registry.disabled)),
        cache=replace(cache, folder=without_home(cache.folder)),
        extras=tuple(find_extras()),
        problems=tuple(map(without_home, problems)),
    )


def without_home(text: str) -> str:
    """Return a text with `~` for the home folder, whose name is often a person's."""
    try:
        home = Path.home()
    except RuntimeError:  # there is none
        return text
    if home == Path(home.anchor):
        return text
    return re.sub(rf"(?<![\w.\\/-]){re.escape(str(home))}(?![\w.-])", "~", text)


def _plugin_problems(registry: Registry) -> Iterator[str]:
    """Yield what is wrong with plugins; failures of one cause in a plugin are one problem."""
    left = Counter((failure.plugin, failure.cause) for failure in registry.failures)
    for failure in registry.failures:
        others = left.pop((failure.plugin, failure.cause), 0) - 1
        if others >= 0:
            what = f'{failure.kind} "{failure.type}" of ' if failure.type else ""
            more = f", and {others} more of its components" if others else ""
            yield f"{what}plugin {failure.plugin}: {failure.described_cause}{more}"
    for conflict in registry.conflicts():
        if conflict.chosen is None:
            yield f"{conflict}; {conflict.consequence}"


def _numpy_problem() -> Iterator[str]:
    try:
        import numpy  # noqa: F401, ICN001
    except ImportError as error:
        first, *_ = [*str(error).strip().splitlines(), ""]
        yield f"NumPy cannot be imported: {first}"


def _blas() -> Iterator[Blas]:
    """Yield the BLAS libraries that NumPy has loaded; nothing if NumPy cannot be imported."""
    try:
        import numpy  # noqa: F401, ICN001  # loads them
        from threadpoolctl import threadpool_info
    except ImportError:
        return
    for library in threadpool_info():
        if library["user_api"] == "blas":
            yield Blas(
                library["internal_api"],
                library["version"],
                library.get("architecture"),
                library["num_threads"],
            )


def _processor() -> str:
    """Return the processor's model, as reported by the system."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:  # another system than Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
