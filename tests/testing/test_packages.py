"""check_package: by entry point, distribution or package; anything broken is a failure."""

import pytest

from declnet import RegistryError
from declnet.testing import check_package
from declnet.testing.packages import cases_of_package


def test_an_importable_package(plugin):
    plugin.write("declnet_scale")
    report = check_package("declnet_scale")
    assert report.succeeded
    assert report.components == ("layer:scale",)
    assert {outcome.example for outcome in report.outcomes} == {0, 1}


def test_a_fault_fails(plugin):
    plugin.write("declnet_scaled", factor=2)
    report = check_package("declnet_scaled")
    failed = {outcome.check for outcome in report.failed}
    assert failed == {"gradient_of_inputs", "gradient_of_parameters"}


@pytest.mark.parametrize("name", ["layers", "declnet_plugins.standard.layers"])
def test_an_entry_point_and_its_package(name):
    components = {case.component for case in cases_of_package(name)}
    assert "layer:dense" in components
    assert all(component.startswith("layer:") for component in components)


@pytest.mark.parametrize("name", ["declnet", "Declnet"])
def test_a_distribution_has_all_its_entry_points(name):
    components = {case.component for case in cases_of_package(name)}
    assert {"layer:dense", "loss:categorical_crossentropy"} <= components


def test_a_right_package_succeeds():
    report = check_package("regularizers")
    assert set(report.components) == {f"regularizer:{each}" for each in ("l1", "l2", "l1_l2")}
    assert report.succeeded


def test_an_unknown_name():
    with pytest.raises(RegistryError, match="no_such_plugin"):
        check_package("no_such_plugin")


def test_a_component_that_cannot_be_built_is_skipped_with_advice(plugin):
    plugin.write("declnet_needy", register="[register(cls) for cls in (Scale, NeedsATable)]")
    report = check_package("declnet_needy")
    assert report.succeeded
    assert any("declare examples" in outcome.message for outcome in report.skipped)


def test_nothing_but_skips_is_a_failure(plugin):
    plugin.write("declnet_skipped", register="register(NeedsATable)")
    assert not check_package("declnet_skipped").succeeded


def test_no_component_is_a_failure(plugin):
    plugin.write("declnet_empty", register="pass")
    report = check_package("declnet_empty")
    assert not report.succeeded
    assert "no check was run" in str(report)


@pytest.mark.parametrize(
    ("register", "cause"),
    [
        ("register(Scale); register(int)", "not a component class"),
        ("register(Layer)", "has no type"),
        ("raise OSError('no disk')", "no disk"),
        ("register.lazily('layer', 'later', 'declnet_faulty:Nothing')", "Nothing"),
    ],
)
def test_what_cannot_be_registered_is_a_failure(plugin, register, cause):
    plugin.write("declnet_faulty", register=register)
    report = check_package("declnet_faulty")
    (failure,) = report.failed
    assert failure.check == "can_be_registered"
    assert cause in failure.message


def test_an_import_error_is_a_failure(plugin):
    (plugin.folder / "declnet_broken.py").write_text("import no_such_module")
    (failure,) = check_package("declnet_broken").failed
    assert failure.message.endswith("declnet_broken.py:1)")
    assert "no_such_module" in failure.message


def test_a_package_without_a_hook_is_a_failure():
    (failure,) = check_package("json").failed
    assert "hook" in failure.message


def test_neither_pytest_nor_hypothesis_is_needed(plugin):
    plugin.write("declnet_scale")
    (plugin.folder / "program.py").write_text(
        "import sys\n"
        "for name in ('pytest', '_pytest', 'hypothesis'):\n"
        "    sys.modules[name] = None\n"
        "import declnet.testing\n"
        "print(declnet.testing.check_package('declnet_scale').counts['failed'])\n"
    )
    done = plugin.python("program.py")
    assert (done.stdout, done.stderr, done.returncode) == ("0\n", "", 0)
