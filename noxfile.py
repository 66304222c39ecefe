#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox[uv]>=2025.2.9"]
# ///
"""The project's tasks: `nox` runs what must pass before a commit, `nox -l` lists all sessions.

Each session installs what it needs into its own environment, with the versions in
`constraints.txt`, which `nox -s lock` writes. Arguments after `--` go to the session's command.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "imports", "tests"]

GROUPS = nox.project.dependency_groups
PROJECT = nox.project.load_toml("pyproject.toml")

LIGHT = "data,excel,images,jit,onnx,postgresql,report,sklearn,tune"
"""Extras that are tested before each landing."""

ALL = f"{LIGHT},mlflow,serve,tensorboard"
"""Extras that `long` tests, except Ray, which has its own environment."""

PYTEST = ("pytest", "-q", "-n", "auto", "--dist", "loadgroup")

WITH_EXTRAS = (
    "tests/corpus/test_corpus.py::test_behavior_with_extras_is_as_recorded",
    "tests/cli/test_predict.py::test_rows_that_cannot_be_predicted_are_empty_in_every_format",
    "tests/cli/test_sweep.py::test_the_picture_is_one_of_its_kind",
    "tests/data/sources/test_files.py",
    "tests/docs/test_exported_examples.py::test_examples_are_exported_without_translations[onnx]",
    "tests/data/sources/test_loading.py",
    "tests/runs/test_engine_parts.py",
    "tests/plugins/jit/replay",
    "tests/plugins/jit/routines",
    "tests/plugins/jit/test_engine.py",
    "tests/plugins/jit/test_training.py",
    "tests/plugins/new/test_profiling.py",
    "tests/plugins/onnx",
    "tests/plugins/report",
    "tests/plugins/standard/data",
    "tests/runs/inference/test_prediction_files.py",
    "tests/runs/inference/test_predictor.py",
    "tests/runs/inference/test_scores.py",
    "tests/sklearn/test_estimators.py",
    "tests/test_specs.py::test_a_spec_in_onnx_predicts_the_same",
    "tests/test_specs.py::test_spec_with_an_extra_checks_and_runs",
    "tests/third_party/test_extension_points.py",
    "tests/third_party/test_two_distributions.py::test_a_run_is_not_read_with_anothers_component",
)
"""Tests that are skipped, or cover less, without the light extras."""

WITHOUT_EXTRAS = (
    *("--ignore-glob", "*/data/test_*arrays.py"),
    *("--ignore", "tests/plugins/standard/data/test_csv_detection.py"),
    *("--ignore", "tests/plugins/standard/data/test_json_lines.py"),
)
"""Tests within those folders that cover the same without extras."""

PLUGINS = (
    "layers", "tabular", "losses", "optimizers", "metrics", "series", "transforms", "callbacks",
    "initializers", "schedules", "data", "regularizers", "templates", "onnx", "importers",
)  # fmt: skip
"""Plugins whose every example goes through the conformance kit, the longest first."""

LONG = {
    "DECLNET_TEST_CHECKS": "all",  # of each broken component, not only the one that must find it
    "DECLNET_TEST_DEFECTS": "all",  # of the kit's seventy components with a defect
    "DECLNET_TEST_EPOCHS": "10001",  # of the main run
    "DECLNET_TEST_ESTIMATORS": "default",  # with as many epochs as the preset has
    "DECLNET_TEST_EXAMPLES": "200",  # of Hypothesis, times a factor of the test
    "DECLNET_TEST_EXPORTS": "all",  # of the shipped specs
    "DECLNET_TEST_FILE_KILLS": "20",  # of predictions of many files
    "DECLNET_TEST_KILLS": "20",  # of each run that is killed
    "DECLNET_TEST_NAMES": "2000",  # hostile ones, through every writer
    "DECLNET_TEST_PIPELINES": "all",  # of scikit-learn, by skl2onnx
    "DECLNET_TEST_PRESETS": "all",  # on a table with a rare class
    "DECLNET_TEST_RECORDED": "all",  # examples, in each format as if they had no translation
    "DECLNET_TEST_REPLACEMENTS": "100",  # of a streamed file, at random moments
    "DECLNET_TEST_REQUESTS": "10000",  # malformed ones, to declnet serve
    "DECLNET_TEST_STEPS": "1000000",  # of the run whose memory is measured
    "DECLNET_TEST_STREAM_KILLS": "20",  # of a run on each format of streamed data
    "DECLNET_TEST_STREAM_MB": "800",  # of the file that is larger than the memory of its run
    "DECLNET_TEST_STUDY_KILLS": "100",  # of a study
    "DECLNET_TEST_SWEEP_KILLS": "100",  # of a sweep
    "DECLNET_TEST_PLAN_KILLS": "100",  # of a third party's plan
    "DECLNET_TEST_SWEEP_SEEDS": "34",  # of each of its six points, 204 runs
}


def install(session: nox.Session, *packages: str, project: str | None = "") -> None:
    """Install packages and, unless `project` is None, declnet with these extras."""
    if project is not None:
        packages = (f".[{project}]" if project else ".", *packages)
    session.install("--quiet", "-c", "constraints.txt", *packages)


@nox.session
def lint(session: nox.Session) -> None:
    """Check format and lint."""
    install(session, *GROUPS(PROJECT, "lint"), project=None)
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, *GROUPS(PROJECT, "types", "test", "docs"))
    session.run("mypy")
    session.run("mypy", "--config-file", "benchmarks/mypy.ini", "benchmarks")


@nox.session
def imports(session: nox.Session) -> None:
    """Check that imports point one way, and that no package has grown unnoticed."""
    install(session, *GROUPS(PROJECT, "imports"))
    session.run("lint-imports", "--no-cache")
    session.run("python", "benchmarks/ratchets.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Check the documentation by a build; arguments: the folder to write."""
    install(session, *GROUPS(PROJECT, "docs"))
    folder = session.posargs[0] if session.posargs else str(Path(session.create_tmp(), "site"))
    theme = () if session.posargs else ("-D", "html_theme=basic")  # furo takes half of the time
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", *theme, "docs", folder)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests without extras, as README does; arguments go to pytest."""
    install(session, *GROUPS(PROJECT, "test"))
    session.run(*PYTEST, *session.posargs)


@nox.session
def extras(session: nox.Session) -> None:
    """Run the tests of the light extras, and a short benchmark."""
    install(session, *GROUPS(PROJECT, "test"), project=LIGHT)
    session.run(*PYTEST, *(session.posargs or (*WITH_EXTRAS, *WITHOUT_EXTRAS)))
    if not session.posargs:
        quick = ("--quick", "--peers", "declnet", "--works", "small")
        session.run("python", "benchmarks/training.py", *quick)


@nox.session
def corpus(session: nox.Session) -> None:
    """Show what changed in behavior; arguments: names, and --accept to record it."""
    install(session, *GROUPS(PROJECT, "test"), project=ALL)
    session.run("python", "-m", "tests.corpus", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Run mutants of all packages against the tests, for an hour; arguments: files, --new."""
    install(session, *GROUPS(PROJECT, "test", "peers", "mutants"), project=ALL)
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session
def gen(session: nox.Session) -> None:
    """Write what is generated: the schema of specs, the gallery's outputs, tables of checks."""
    install(session, *GROUPS(PROJECT, "test"))
    session.run("declnet", "schema", "-o", "specs/spec.schema.json")
    session.run("python", "-m", "tests.gallery.regenerate", *session.posargs)
    pages = {"PYTHONPATH": "docs/_extension"}
    session.run("python", "-m", "declnet_pages.conformance_checks", env=pages)


@nox.session
def face(session: nox.Session) -> None:
    """Show what changed in the public face; --accept records it."""
    install(session, *GROUPS(PROJECT, "test"), project=ALL)
    session.run("python", "-m", "tests.public_face", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Compare all figures of the record; arguments: which of them, --accept."""
    install(session, *GROUPS(PROJECT, "test"), project="")
    kinds = session.posargs or ("lines", "mutants", "reach", "megabytes", "instructions")
    session.run("python", "benchmarks/ratchets.py", *kinds)


@nox.session(venv_backend="virtualenv")  # pip takes PyTorch for CPUs, where it has been provided
def long(session: nox.Session) -> None:
    """Run all tests with all extras and the peers, many kills, the kit, and long benchmarks."""
    groups = GROUPS(PROJECT, "test", "peers", "browser")
    install(session, *groups, "nbclient", "ipykernel", project=ALL)
    with tempfile.TemporaryDirectory() as folder:  # on a disk, where a run waits for each file
        session.run(*PYTEST, *session.posargs, env={**LONG, "PYTEST_DEBUG_TEMPROOT": folder})
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(partial(session.run, "declnet", "plugins", "check"), PLUGINS))
    session.run("python", "benchmarks/regularization.py", "--check", "--jobs", "2")


@nox.session
def ray(session: nox.Session) -> None:
    """Run the tests of Ray, on clusters on this machine of which nodes are killed."""
    install(session, *GROUPS(PROJECT, "test"), project="jit,ray")
    environment = {"DECLNET_TEST_RAY": "1"}
    session.run("pytest", "-q", "tests/plugins/ray", env=environment)
    session.run("declnet", "plugins", "check", "ray", env=environment)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build wheel and source archive, check them, and use the wheel alone; arguments: a folder."""
    install(session, *GROUPS(PROJECT, "package", "test"))
    folder = session.posargs[0] if session.posargs else session.create_tmp()
    session.run("python", "-m", "build", "--no-isolation", "--outdir", folder)
    files = [str(file) for file in sorted(Path(folder).glob("declnet-*"))]
    session.run("check-wheel-contents", *[file for file in files if file.endswith(".whl")])
    session.run("twine", "check", "--strict", *files)
    session.run("pytest", "-q", "tests/test_distribution.py", env={"DECLNET_TEST_WHEEL": "1"})


@nox.session
def sizes(session: nox.Session) -> None:
    """Measure what each extra adds to an installation, for docs/how_to/install.md."""
    install(session, project=f"{ALL},ray,sql")
    session.run("python", "benchmarks/extra_sizes.py", "--write")


@nox.session(venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject.toml allows."""
    groups = GROUPS(PROJECT, "test")
    session.install("--quiet", "--resolution", "lowest-direct", f".[{LIGHT},serve]", *groups)
    session.run(*PYTEST, "--ignore=tests/corpus", *session.posargs)  # of the locked versions


@nox.session(default=False, venv_backend="uv")
def prereleases(session: nox.Session) -> None:
    """Run the tests with the newest versions of all dependencies, and NumPy's next release."""
    session.install("--quiet", ".", *GROUPS(PROJECT, "test"))
    session.install("--quiet", "--prerelease", "allow", "--upgrade", "numpy")
    session.run(*PYTEST, "--ignore=tests/corpus", *session.posargs)  # of the locked versions


@nox.session(default=False, venv_backend="uv")
def lock(session: nox.Session) -> None:
    """Write the newest versions of everything but the peers and Ray to constraints.txt."""
    session.install("uv")
    extras_to_lock = [f"--extra={name}" for name in f"{ALL},sql".split(",")]
    groups = ("--group=dev", "--group=browser", "--group=mutants", "--group=package")
    options = ("--universal", "--python-version=3.11", "--no-annotate", "--no-header", "--upgrade")
    session.run("uv", "pip", "compile", "pyproject.toml", *extras_to_lock, *groups, *options,
                "--output-file", "constraints.txt", "--quiet")  # fmt: skip


@nox.session(default=False)
def dev(session: nox.Session) -> None:
    """Make .venv, with declnet, editable, and everything that its checks need."""
    session.run("python", "-m", "venv", ".venv", external=True)
    python = str(Path(".venv", "Scripts" if os.name == "nt" else "bin", "python"))
    packages = ("-c", "constraints.txt", "-e", ".[report]", *GROUPS(PROJECT, "dev"))
    session.run(python, "-m", "pip", "install", "--quiet", *packages, external=True)


if __name__ == "__main__":
    nox.main()
