"""Origins of a run's components: recorded in the manifest, then refused or noted."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest

import declnet
from declnet import (
    Kernel,
    KernelCalls,
    OriginError,
    OutputError,
    ResumeError,
    SpecError,
    load_model,
    open_run,
    parse_spec,
    resume,
    run,
)
from declnet.contracts.runs.callback import EpochLogged
from declnet.registry.plugin import LOCAL, Plugin

from ...waves import OTHER, WAVE, level, wave


@pytest.fixture
def registry_with():
    """Make a registry of everything installed plus plugins' layer and initializer."""

    def make(*plugins):
        registry = declnet.discover()
        for number, plugin in enumerate(plugins, start=1):
            registry.register(wave(number), plugin)
            registry.register(level(number), plugin)
        return registry

    return make


@pytest.fixture
def waving(document):
    """Return a spec with the layer wave, whose only parameter uses the initializer level."""
    document["model"]["layers"][1] = "wave"
    return document


@pytest.fixture
def finished(waving, registry_with, tmp_path):
    """The folder of a run with the wave of declnet-wave 1.0."""
    registry = registry_with(WAVE)
    run(parse_spec(waving, registry), out=tmp_path / "run", registry=registry)
    return tmp_path / "run"


@pytest.fixture
def interrupted(waving, registry_with, tmp_path):
    """The folder of such a run that was interrupted in its second epoch."""

    def interrupt(event):
        if isinstance(event, EpochLogged) and event.epoch == 1:
            raise KeyboardInterrupt

    registry, out = registry_with(WAVE), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(parse_spec(waving, registry), out=out, registry=registry, listener=interrupt)
    return out


def manifest_of(directory):
    return json.loads((directory / "manifest.json").read_text())


def edit(directory, **values):
    """Replace values of a manifest."""
    (directory / "manifest.json").write_text(json.dumps(manifest_of(directory) | values))


def evaluated(directory, registry, **options):
    """Return a run's predictor after evaluating it."""
    stored = open_run(directory, registry, **options)
    stored.evaluate()
    return stored.predictor()


READERS = pytest.mark.parametrize("read", [load_model, resume])
"""Both ways to a run's spec; all others go through `open_run`, as `load_model` does."""


class TestTheManifest:
    @pytest.mark.parametrize("registered", [True, False])
    def test_a_class_of_the_program_is_recorded_as_such(
        self, waving, registry_with, tmp_path, registered
    ):
        registry, local_wave = registry_with(), wave(3)
        registry.register(level(1), WAVE)
        if registered:
            registry.register(local_wave, LOCAL)
        waving["model"]["layers"][1] = local_wave()
        run(parse_spec(waving, registry), out=tmp_path / "run", registry=registry)
        assert manifest_of(tmp_path / "run")["components"]["layer"]["wave"] == "this program"
        if registered:
            load_model(tmp_path / "run", registry)
        message = "wave.* came from the program that made the run, but "
        with pytest.raises(OriginError, match=message):
            load_model(tmp_path / "run", registry_with(WAVE))
        with pytest.raises(SpecError, match="it came from the program that made the run: pass"):
            load_model(tmp_path / "run")


class TestTheSameComponent:
    @pytest.mark.parametrize("read", [load_model, evaluated, resume])
    def test_the_recorded_distribution_is_used_whatever_else_is_installed(
        self, finished, registry_with, blobs, read
    ):
        """A new spec would get another component by its preference, or declnet's own."""
        expected = load_model(finished, registry_with(WAVE)).predict(blobs[0])
        plugin = Plugin("layers", "declnet", declnet.__version__)
        preferring = registry_with(WAVE, OTHER).preferring(["other-wave"])
        for registry in (preferring, registry_with(WAVE, plugin)):
            result = read(finished, registry=registry)
            model = getattr(result, "model", result)
            assert (model.predict(blobs[0]) == expected).all()
            assert model.parameters()["wave_1.gain"].tolist() == [1, 1, 1, 1]


class TestAnotherDistribution:
    def test_resume_always_refuses_another(self, interrupted, registry_with):
        with pytest.raises(OriginError, match=r"declnet-wave 1\.0, .* other-wave 2\.0"):
            resume(interrupted, registry=registry_with(OTHER), allow_changes=True)
        assert manifest_of(interrupted)["status"] == "interrupted"

    @READERS
    def test_a_component_that_none_offers_is_missing(self, finished, registry_with, read):
        with pytest.raises(SpecError) as caught:
            read(finished, registry=registry_with())
        (problem,) = caught.value.problems
        assert (problem.code, problem.path) == ("E015", ("model", "layers", 1, "type"))
        assert problem.message == 'layer type "wave" is not installed'
        assert problem.help == 'it came from declnet-wave 1.0: pip install "declnet-wave==1.0"'


class TestKernels:
    @pytest.fixture
    def fused(self, registry_with):
        """Return a registry in which a plugin has a kernel for `wave`."""

        def make(plugin):
            registry = registry_with(WAVE)
            replaced = registry.find("layer", "wave")

            class WaveKernel(Kernel):
                type = "wave_kernel"
                replaces = (replaced,)

                def bind(self, site):
                    forward = partial(np.copyto, site.y, site.x)
                    return KernelCalls((forward,), (partial(np.copyto, site.dx, site.dy),))

            registry.register(WaveKernel, plugin)
            return registry

        return make

    def test_predictions_need_no_kernel_and_resuming_needs_the_same(
        self, waving, fused, registry_with, tmp_path
    ):
        fast, faster = Plugin("fast", "fast-wave", "1.0"), Plugin("faster", "faster-wave", "1.0")
        registry = fused(fast)
        run(parse_spec(waving, registry), out=tmp_path / "run", registry=registry)
        edit(tmp_path / "run", status="interrupted")
        manifest = manifest_of(tmp_path / "run")
        assert manifest["components"]["kernel"]["wave_kernel"] == "fast-wave==1.0"
        assert manifest["engine"] == {"kernels": "numpy"}
        for registry in (registry_with(WAVE), fused(faster)):
            load_model(tmp_path / "run", registry)
        with pytest.raises(OriginError, match=r'"wave_kernel" came from fast-wave 1\.0'):
            resume(tmp_path / "run", registry=fused(faster))
        with pytest.raises(ResumeError, match=r"fast-wave was 1\.0 and is not used"):
            resume(tmp_path / "run", registry=registry_with(WAVE))


@READERS
@pytest.mark.parametrize(
    "wrong",
    [
        {"components": ["layer"]},
        {"components": {"layer": "dense"}},
        {"components": {"layer": {"dense": 1}}},
    ],
)
def test_a_malformed_manifest_is_named(finished, registry_with, read, wrong):
    edit(finished, **wrong)
    with pytest.raises(OutputError, match=r'manifest\.json: cannot be read: key "components'):
        read(finished, registry=registry_with(WAVE))
