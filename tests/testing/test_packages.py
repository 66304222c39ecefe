"""`check_package` takes an entry point, a distribution or a package; faults are failures."""

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


@pytest.mark.parametrize(
    ("name", "components"),
    [
        ("layers", {"layer:dense"}),
        ("declnet_plugins.standard.layers", {"layer:dense"}),
        ("declnet", {"layer:dense", "loss:categorical_crossentropy"}),
        ("Declnet", {"layer:dense", "loss:categorical_crossentropy"}),
        ("regularizers", {f"regularizer:{type_}" for type_ in ("l1", "l2", "l1_l2")}),
    ],
)
def test_an_entry_point_a_package_or_a_distribution(name, components):
    registered = {case.component for case in cases_of_package(name)}
    assert components <= registered
    if name.lower() != "declnet":
        assert len({component.split(":")[0] for component in registered}) == 1


def test_an_unknown_name():
    with pytest.raises(RegistryError, match="no_such_plugin"):
        check_package("no_such_plugin")


def test_a_component_that_cannot_be_built_is_skipped_with_advice(plugin):
    plugin.write("declnet_needy", register="[register(cls) for cls in (Scale, NeedsATable)]")
    report = check_package("declnet_needy")
    assert report.succeeded
    assert any("declare examples" in outcome.message for outcome in report.skipped)
    plugin.write("declnet_skipped", register="register(NeedsATable)")
    assert not check_package("declnet_skipped").succeeded


@pytest.mark.parametrize(
    ("register", "cause"),
    [
        ("register(Scale); register(int)", "not a component class"),
        ("register(Layer)", "has no type"),
        ("raise OSError('no disk')", "no disk"),
        ("register.lazily('layer', 'later', 'declnet_faulty')", 'defines no layer "later"'),
    ],
)
def test_a_failed_registration_is_a_failure(plugin, register, cause):
    plugin.write("declnet_faulty", register=register)
    report = check_package("declnet_faulty")
    (failure,) = report.failed
    assert failure.check == "can_be_registered"
    assert cause in failure.message


def test_a_package_without_components_or_a_hook_is_a_failure(plugin):
    (plugin.folder / "declnet_broken.py").write_text("import no_such_module")
    (failure,) = check_package("declnet_broken").failed
    assert failure.message.endswith("declnet_broken.py:1)")
    assert "no_such_module" in failure.message
    (failure,) = check_package("json").failed
    assert "hook" in failure.message
    plugin.write("declnet_empty", register="pass")
    report = check_package("declnet_empty")
    assert not report.succeeded
    assert "no check was run" in str(report)


def test_the_kit_needs_neither_pytest_nor_hypothesis(plugin):
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
