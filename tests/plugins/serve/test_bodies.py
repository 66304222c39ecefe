"""Reading of bodies of JSON."""

from __future__ import annotations

import json
import time

import pytest

from declnet_plugins.serve.bodies import parse_json
from declnet_plugins.serve.problems import ProblemError


def test_a_key_that_occurs_twice_is_found_in_linear_time():
    members = [f"{json.dumps(str(number))}:1" for number in range(40_000)]
    body = f"{{{','.join([*members, members[-1]])}}}".encode()
    start = time.process_time()
    with pytest.raises(ProblemError, match='duplicate key "39999"'):
        parse_json(body)
    assert time.process_time() - start < 2
