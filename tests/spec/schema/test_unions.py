from __future__ import annotations

from declnet.spec.schema.unions import union

WORD = {"enum": ["same", "valid"]}
NUMBER = {"type": "integer", "minimum": 1}
PAIR = {"type": "array", "items": NUMBER}


def test_the_type_of_a_value_chooses_its_branch():
    assert union([WORD, NUMBER, PAIR]) == {
        "type": ["string", "integer", "array"],
        "if": {"type": "string"},
        "then": WORD,
        "else": {
            "if": {"type": "integer"},
            "then": NUMBER,
            "else": {"if": {"type": "array"}, "then": PAIR},
        },
    }


def test_branches_that_share_a_type_stay_a_union():
    assert union([NUMBER, {"type": "number"}]) == {"anyOf": [NUMBER, {"type": "number"}]}
    assert union([WORD, {"type": ["string", "object"]}])["anyOf"][0] == WORD


def test_a_branch_of_unknown_type_keeps_the_union():
    assert "anyOf" in union([NUMBER, {"$ref": "#/definitions/a"}])
    assert "anyOf" in union([NUMBER, {"enum": ["a", None]}])
