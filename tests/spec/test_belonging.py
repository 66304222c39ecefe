from __future__ import annotations

import pytest

from declnet.errors import Diagnostic
from declnet.spec.belonging import with_homes

HERE = "keys here: a, b"
TOP = "it belongs at the top of the spec, outside all sections"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        (("epochs",), "it belongs in [training]"),
        (("optimizer", "epochs"), "it belongs in [training]"),
        (("training", "layers"), "it belongs in [model]"),
        (("model", "learning_rate"), "it belongs in [optimizer]"),
        (("train",), "it belongs in [data]"),
        (("training", "seed"), TOP),
        (("model", "loss"), TOP),
        (("training", "nonsense"), HERE),
        (("model", "layers", 0, "epochs"), HERE),
        (("data", "train", "seed"), HERE),
        ((), HERE),
    ],
)
def test_an_unknown_key_that_another_place_has_is_told_so(path, hint):
    (found,) = with_homes([Diagnostic("unknown key", HERE, path, "E010", focus="key")])
    assert found == Diagnostic("unknown key", hint, path, "E010", focus="key")


def test_other_problems_stay_as_they_are():
    problem = Diagnostic("is missing", "epochs: passes", ("epochs",), "E011")
    assert with_homes([problem]) == [problem]
