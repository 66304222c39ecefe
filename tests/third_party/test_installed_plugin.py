"""A third party's distribution, installed with pip: used like declnet's own, then removed."""

import json

import pytest

pytestmark = pytest.mark.xdist_group("environment")


@pytest.fixture(scope="module")
def orchard(environment, orchard_source):
    environment.install(orchard_source)
    yield environment
    environment.uninstall("declnet-orchard")


def test_plugins_lists_and_shows_every_component_with_its_distribution(orchard):
    listed = orchard.declnet("plugins").stdout
    for kind, name in (
        ("layer", "gain"),
        ("loss", "log_loss"),
        ("kernel", "logistic_log_loss"),
        ("metric", "brier_score"),
        ("optimizer", "sign_descent"),
        ("regularizer", "soft_absolute"),
        ("data_source", "two_moons"),
    ):
        line = next(line for line in listed.splitlines() if line.split()[:2] == [kind, name])
        assert line.split()[2:] == ["orchard", "declnet-orchard", "1.3.0"]
        shown = orchard.declnet("plugins", "show", name)
        assert shown.returncode == 0
        assert "orchard (declnet-orchard 1.3.0)" in shown.stdout


def test_a_spec_uses_every_kind_and_the_manifest_names_the_distribution(
    orchard, moons_spec, tmp_path
):
    out = tmp_path / "out"
    done = orchard.declnet("run", moons_spec, "--out", out)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((out / "manifest.json").read_text())
    components, origin = manifest["components"], "declnet-orchard==1.3.0"
    assert components["layer"]["gain"] == components["layer"]["logistic"] == origin
    assert components["data_source"] == {"two_moons": origin}
    assert components["optimizer"] == {"sign_descent": origin}
    assert components["regularizer"] == {"soft_absolute": origin}
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["test"]["data_loss"] < 0.3
    history = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert history[-1]["regularization_loss"] > 0
    again = orchard.declnet("run", out / "spec.toml", "--quiet", "--out", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    first, second = (
        (tmp_path / each / "weights.safetensors").read_bytes() for each in ("out", "again")
    )
    assert first == second


def test_the_kit_passes_on_the_installed_plugin(orchard):
    checked = orchard.declnet("plugins", "check", "declnet-orchard")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_requirement_that_is_too_new_names_both_versions(orchard, moons_spec):
    done = orchard.declnet("run", moons_spec, "--set", 'plugins=["declnet-orchard>=2"]')
    assert done.returncode == 2
    assert "declnet-orchard 1.3.0 is installed, but >=2 is needed" in done.stderr


@pytest.mark.parametrize("name", ["orchard", "declnet-orchard"])
def test_a_plugin_can_be_disabled_by_option_and_by_variable(orchard, moons_spec, name):
    by_option = orchard.declnet("run", moons_spec, "--no-plugin", name)
    by_variable = orchard.declnet("run", moons_spec, DECLNET_DISABLE_PLUGINS=f"other,{name}")
    for done in (by_option, by_variable):
        assert done.returncode == 2
        assert "disabled plugins: orchard (declnet-orchard 1.3.0)" in done.stderr
    listed = orchard.declnet("plugins", DECLNET_DISABLE_PLUGINS=name).stdout
    assert "gain" not in listed
    assert "disabled plugins" in listed


def test_after_uninstalling_a_spec_that_needs_it_says_what_to_install(orchard, moons_spec):
    orchard.uninstall("declnet-orchard")
    done = orchard.declnet("run", moons_spec)
    assert done.returncode == 2
    assert 'pip install "declnet-orchard>=1.2"' in done.stderr
    assert "error[E008]: declnet-orchard is not installed" in done.stderr
    assert 'error[E015]: layer type "gain" is not installed' in done.stderr
    assert "Traceback" not in done.stderr
    assert "orchard" not in orchard.declnet("plugins").stdout
