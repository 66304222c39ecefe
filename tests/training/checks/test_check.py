"""All checks together, on valid and invalid specs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

from declnet import SpecError, parse_spec
from declnet.training import checks
from declnet.training.checks.check import CHECKS, SUSPICIONS, check_spec

LINEAR = {"type": "linear"}


def test_errors_prevent_a_run_and_warnings_do_not(document):
    document["model"]["layers"][1] = LINEAR
    checked = check_spec(parse_spec(document))
    assert [problem.code for problem in checked.warnings] == ["W003"]
    assert checked.errors == ()
    checked.require_right()
    document["model"]["layers"][2]["units"] = 2
    checked = check_spec(parse_spec(document))
    assert sorted(problem.code for problem in checked.problems) == ["E040", "W003"]
    with pytest.raises(SpecError) as caught:
        checked.require_right()
    assert [problem.code for problem in caught.value.problems] == ["E040"]


@pytest.mark.parametrize("part", ["loss", "optimizer", "data", "training"])
def test_the_other_parts_of_an_invalid_spec_are_checked(check_wrong, document, part):
    document["model"]["layers"].insert(0, {"type": "relu", "inputs": ["absent"]})
    document[part] = 3
    assert "E020" in [problem.code for problem in check_wrong(document).problems]


def test_a_spec_with_an_empty_list_of_outputs_is_checked_as_if_it_had_none(check_wrong, document):
    document["model"]["outputs"] = []
    assert check_wrong(document).errors == ()


def test_all_functions_that_check_a_run_are_listed():
    modules = pkgutil.iter_modules(checks.__path__, f"{checks.__name__}.")
    functions = {
        function
        for module in modules
        for name, function in inspect.getmembers(
            importlib.import_module(module.name), inspect.isfunction
        )
        if not name.startswith("_") and takes_only_a_context(function)
    }
    assert functions == {*CHECKS, *SUSPICIONS}


def takes_only_a_context(function) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return [parameter.annotation for parameter in parameters] == ["CheckContext"]
