"""`declnet doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from declnet import print_json, print_line

if TYPE_CHECKING:
    from declnet.inspection.doctor.diagnosis import Diagnosis


@click.command(short_help="Show the installation, and what is wrong with it.")
@click.option("--clean", is_flag=True, help="First delete the files that declnet has cached.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: one object, for programs.",
)
def doctor(clean: bool, form: str) -> int:
    """Show versions, plugins, processor, threads, cache and extras; exit with 1 on a problem.

    The output begins a good bug report. It has no environment variable but those that change how
    declnet computes, and `~` for your home folder.
    """
    from dataclasses import asdict

    from declnet.inspection.doctor.cached_files import delete_cached
    from declnet.inspection.doctor.diagnosis import diagnose

    if clean:
        deleted, size = delete_cached()
        print_line(f"cache: {deleted} files deleted, {_mebibytes(size)}", err=form == "json")
    diagnosis = diagnose()
    if form == "json":
        print_json(asdict(diagnosis))
    else:
        for line in _lines(diagnosis):
            print_line(line)
    return 1 if diagnosis.problems else 0


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the lines of a diagnosis as text; the problems come last."""
    cores = f"{diagnosis.usable_cores} of {diagnosis.cores} cores"
    yield f"declnet {diagnosis.declnet}, in {diagnosis.folder}"
    yield f"Python: {diagnosis.python}, {diagnosis.platform}"
    yield f"processor: {diagnosis.processor}, {cores}"
    for blas in diagnosis.blas:
        kernel = f" ({blas.architecture})" if blas.architecture else ""
        yield f"BLAS: {blas.library} {blas.version or ''}{kernel}, threads: {blas.threads}"
    for name, value in diagnosis.environment.items():
        yield f"environment: {name}={value}"
    yield f"packages: {_listed(diagnosis.packages)}"
    for distribution, plugins in diagnosis.plugins.items():
        yield f"plugins of {distribution}: {', '.join(plugins)}"
    if diagnosis.disabled:
        yield f"disabled plugins: {', '.join(diagnosis.disabled)}"
    cache = diagnosis.cache
    if not cache.exists:
        yield f"cache: {cache.folder}, empty"
    else:
        owner = f", owner: {cache.owner}" if cache.owner else ""
        yield f"cache: {cache.folder}, {cache.files} files, {_mebibytes(cache.bytes)}{owner}"
    for extra in diagnosis.extras:
        faults = "; ".join(extra.missing)  # not installed, or of another version
        state = f"{faults}: {extra.command}" if faults else _listed(extra.installed)
        yield f"extra {extra.name}: {state}"
    if diagnosis.problems:
        yield ""
    for problem in diagnosis.problems:
        yield f"problem: {problem}"


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
