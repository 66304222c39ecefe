"""Plugins written for the first API work, or get errors that lead from one edit to the next.

`tests/fixtures/first_edition/plugins` has the example packages of that edition's documentation.
Each test installs a copy: its package and its metadata on the import path.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from itertools import count
from pathlib import Path

import pytest

import declnet
from declnet.testing import check_component

from ..distributions import write_metadata

PACKAGES = Path(__file__).parents[1] / "fixtures" / "first_edition" / "plugins"

BUFFER = (
    "ImportError: declnet.Buffer was renamed: use Workspace, which a layer's method workspace() "
    "returns",
    ("Buffer", "Workspace"),
)
CALLS = "was renamed: the method bind(site) returns the calls of both directions, as KernelCalls"
NO_FIELDS = (
    "but a kernel has none: replaces = (…) names classes, and bind(site) finds the components in "
    "site.components"
)
METHODS = re.compile(r"    def .*", re.DOTALL)
BIND = """    def bind(self, site):
        from functools import partial

        from declnet import KernelCalls

        loss = site.components[-1]
        forward = (
            partial(np.exp, site.x, out=site.y),
            partial(loss.forward, site.y, site.y_true, site.losses),
        )
        if site.dx is None:
            return KernelCalls(forward)
        difference = partial(np.subtract, site.y, site.y_true, out=site.dx)
        return KernelCalls(forward, (difference, site.weigh(site.dx)))
"""

STEPS = {
    **{
        name: [
            BUFFER,
            (
                f"{name.title()}.buffers was renamed: the method workspace() declares working "
                "memory, with Workspace",
                ("def buffers", "def workspace"),
            ),
        ]
        for name in ("wave", "centre", "jitter")
    },
    "poisson_counts": [
        (
            "ImportError: declnet.Finding was renamed: use Diagnostic, whose `help` was `hint` and "
            "whose `path` was `key`",
            ("Finding", "Diagnostic"),
        ),
        (
            "ImportError: declnet.Outline was renamed: use RunContext, whose `metrics` was "
            "`figures`",
            ("Outline", "RunContext"),
        ),
    ],
    "rate_poisson_counts": [
        (
            "ImportError: declnet.Fusion was renamed: use Kernel, with replaces = (LayerClass, "
            "LossClass) and a method bind(site)",
            ("Fusion", "Kernel"),
        ),
        (
            f"RatePoissonCounts has the fields layer, loss, {NO_FIELDS}",
            ("    layer: Rate\n    loss: PoissonCounts", "    replaces = (Rate, PoissonCounts)"),
        ),
        (f"RatePoissonCounts.forward {CALLS}", (METHODS, BIND)),
    ],
    "bound_rate_poisson_counts": [
        (
            "ImportError: declnet.FusionKernel was renamed: use Kernel, with replaces = "
            "(LayerClass, LossClass) and a method bind(site)",
            ("FusionKernel", "Kernel"),
        ),
        (
            f"BoundRatePoissonCounts has the fields fusion, {NO_FIELDS}",
            ("    fusion: RatePoissonCounts", "    replaces = RatePoissonCounts.replaces"),
        ),
        (
            "BoundRatePoissonCounts.bind() takes (x, y_true, y, losses, shares, dx), but a kernel "
            "is called with (site)",
            (METHODS, BIND),
        ),
    ],
    "stairs": [
        (
            "Stairs.rate() takes (step), but a schedule is called with (step, total)",
            ("step: int)", "step: int, total: int)"),
        )
    ],
}
"""By module: the errors in their order, each with the edit that it asks for."""

KIT_EDITS = {"centre": [("if not state.training:", "if not state.training or state.frozen:")]}
"""What only the conformance kit asks for, since layers can be frozen; runs work without."""

RUN_TIME_EDITS = {"halt_on_plateau": [("epoch.figures", "epoch.metrics")]}
"""What shows only in a run."""

IMPORTS = {
    "rate_poisson_counts": ["poisson_counts"],
    "bound_rate_poisson_counts": ["poisson_counts", "rate_poisson_counts"],
}
"""The modules that others import, where an edit of theirs is needed first."""

MODULES = [
    (folder.name, file.stem)
    for folder in sorted(PACKAGES.iterdir())
    if folder.is_dir()
    for file in sorted(folder.glob("declnet_*/*.py"))
    if file.stem != "__init__"
]
HOOK = """
from declnet import hookimpl


@hookimpl
def declnet_register(register):
    register.lazily("{kind}", "{name}", "{package}.{name}:{class_name}")
"""


def edits_of(module, steps=None):
    """The edits of a module up to a step, with every edit of those that it imports."""
    edits = {module: [edit for _, edit in STEPS.get(module, [])[:steps]]}
    if steps is None:
        edits[module] += KIT_EDITS.get(module, [])
    return edits | {other: [edit for _, edit in STEPS[other]] for other in IMPORTS.get(module, [])}


def edited(text, edits):
    for old, new in edits:
        changed = old.sub(new, text) if isinstance(old, re.Pattern) else text.replace(old, new)
        assert changed != text
        text = changed
    return text


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a copy of a package with edits by module; return the result of `discover`.

    Afterwards no module of it is imported: tests of the documentation import others of its name.
    """
    copies = count()
    packages = {each.name.replace("-", "_") for each in PACKAGES.iterdir()}

    def forget():
        loaded = [each for each in sys.modules if each.split(".")[0] in packages]
        return {each: sys.modules.pop(each) for each in loaded}

    def copy(distribution, edits=None, hook=None):
        package = distribution.replace("-", "_")
        folder = tmp_path / f"site-{next(copies)}"
        shutil.copytree(PACKAGES / distribution / package, folder / package)
        for module, changes in (edits or {}).items():
            file = folder / package / f"{module}.py"
            file.write_text(edited(file.read_text("utf-8"), changes), "utf-8")
        if hook is not None:
            (folder / package / "__init__.py").write_text(hook, "utf-8")
        project = tomllib.loads((PACKAGES / distribution / "pyproject.toml").read_text("utf-8"))
        write_metadata(folder, distribution, "0.1.0", project["project"]["entry-points"])
        monkeypatch.syspath_prepend(folder)
        forget()
        registry = declnet.discover()
        list(registry.entries())
        return registry

    before = forget()
    yield copy
    forget()
    sys.modules.update(before)


@pytest.fixture
def load_class(install):
    """Load one class of a package; return the registry, its kind and its type."""

    def load(distribution, module, steps=None):
        package = distribution.replace("-", "_")
        text = (PACKAGES / distribution / package / f"{module}.py").read_text("utf-8")
        class_name, contract = re.search(r"^class (\w+)\((\w+)\):", text, re.MULTILINE).groups()
        base = getattr(declnet, contract) if contract in declnet.__all__ else declnet.Kernel
        hook = HOOK.format(kind=base.kind, name=module, package=package, class_name=class_name)
        return install(distribution, edits_of(module, steps), hook), base.kind

    return load


def test_the_packages_are_there():
    assert {distribution for distribution, _ in MODULES} == {
        "declnet-affine",
        "declnet-counts",
        "declnet-wave",
    }
    assert set(STEPS) <= {module for _, module in MODULES}


@pytest.mark.parametrize(("distribution", "module"), MODULES)
def test_each_error_names_the_next_edit_until_the_class_works(
    load_class, monkeypatch, distribution, module
):
    for step, (error, _) in enumerate(STEPS.get(module, [])):
        registry, kind = load_class(distribution, module, step)
        (failure,) = registry.failures
        assert error in failure.cause
        assert (failure.kind, failure.type) == (kind, module)
        assert failure.plugin.distribution == distribution
    registry, kind = load_class(distribution, module)
    assert registry.failures == []
    monkeypatch.chdir(PACKAGES / distribution)
    assert check_component(registry.find(kind, module)).succeeded


def test_a_package_whose_import_fails_says_so_once(install):
    (failure,) = install("declnet-counts").failures
    assert str(failure.plugin) == "counts (declnet-counts 0.1.0)"
    assert failure.cause == STEPS["poisson_counts"][0][0]


EDITS_OF_COUNTS = {
    module: edits_of(module)[module] for package, module in MODULES if package == "declnet-counts"
}


def spec_of_counts(registry):
    """A spec that uses a component of each kind of declnet-counts."""
    document = {
        "declnet": 1,
        "name": "visits",
        "plugins": ["declnet-counts>=0.1"],
        "data": {
            "train": {
                "type": "number_table",
                "path": str(PACKAGES / "declnet-counts" / "visits.txt"),
            },
            "prepare": ["logarithm"],
        },
        "model": {
            "layers": [
                "centre",
                {
                    "type": "dense",
                    "units": 2,
                    "weight_initializer": "signs",
                    "weight_regularizer": {"type": "pull", "strength": 1e-3, "towards": 0.5},
                },
                {"type": "jitter", "size": 0.01},
                {"type": "skip", "inputs": ["centre_1", "jitter_1"]},
                {"type": "dense", "units": 1},
                "rate",
            ]
        },
        "loss": "poisson_counts",
        "optimizer": {
            "type": "look_ahead",
            "learning_rate": {"type": "stairs", "initial_rate": 0.02, "every": 100},
        },
        "training": {
            "epochs": 100,
            "log_every": 10,
            "metrics": ["worst_error"],
            "callbacks": [{"type": "halt_on_plateau", "patience": 3}],
        },
    }
    return declnet.parse_spec(document, registry)


def test_the_whole_package_trains_once_every_edit_is_made(install, tmp_path):
    registry = install("declnet-counts", {**EDITS_OF_COUNTS, **RUN_TIME_EDITS})
    assert registry.failures == []
    spec = spec_of_counts(registry)
    result = declnet.run(spec, registry=registry, out=tmp_path / "run")
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert (tmp_path / "run" / "plateau.json").is_file()


def test_a_renamed_attribute_says_in_a_run_what_it_is_called_now(install):
    registry = install("declnet-counts", EDITS_OF_COUNTS)
    spec = spec_of_counts(registry)
    with pytest.raises(declnet.ComponentError) as caught:
        declnet.run(spec, registry=registry)
    message = str(caught.value)
    assert message.startswith('callback "halt_on_plateau" of plugin counts (declnet-counts 0.1.0)')
    assert re.search(r"epoch_finished\(\) \(.*halt_on_plateau\.py:\d+\)", message)
    assert message.endswith("EpochLogged.figures was renamed: use metrics")


FIRST_EDITION = """
    Array Buffer Callback ColumnError ColumnType Component ComponentError CrossValidation DataError
    DataInfo DataSource DataSpec Dataset DeclnetError DivergenceError Dtype EngineSpec EpochLogged
    Finding Fusion FusionKernel Initializer Kernel Layer LayerKernel LayerOutline LayerState
    LearningRate Loss MappedArray Metric Model ModelSpec Optimizer OptimizerKernel OptimizerState
    Outline OutputError Parameter Place Predictions Predictor Problem Records Register Registry
    RegistryError Regularizer RegularizerKernel ResumeError Run RunError RunResult RunSpec Schedule
    Shape SpecError TrainingSpec Transform TransformState UnknownTypeError WeightsError __version__
    as_table build_model column_type cross_validate default_registry discover distinct_values
    hookimpl lazy_names load_model load_predictor load_spec missing_values parse_spec resume run
"""
"""`declnet.__all__` of that edition."""


@pytest.mark.parametrize("name", FIRST_EDITION.split())
def test_a_public_name_is_there_or_its_import_says_what_to_use(name):
    if name in declnet.__all__:
        assert getattr(declnet, name) is not None
        return
    with pytest.raises(ImportError, match=f"declnet.{name} was renamed: use (\\w+)") as caught:
        getattr(declnet, name)
    new = re.search(r"use (\w+)", str(caught.value))[1]
    assert new in declnet.__all__


@pytest.mark.parametrize(
    ("instance", "old", "new"),
    [
        (declnet.RunContext(), "figures", "metrics"),
        (declnet.EpochLogged(0, 0.1), "figures", "metrics"),
        (declnet.Diagnostic("wrong"), "hint", "help"),
        (declnet.Diagnostic("wrong"), "key", "path"),
    ],
)
def test_a_renamed_attribute_names_the_new_one(instance, old, new):
    name = type(instance).__name__
    with pytest.raises(AttributeError, match=rf"^{name}\.{old} was renamed: use {new}$"):
        getattr(instance, old)
    assert hasattr(instance, new)
