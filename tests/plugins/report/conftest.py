"""Skip the tests of reports without the extra `report`."""

import pytest


@pytest.fixture
def needs_report() -> None:
    for name in ("jinja2", "pygments", "vl_convert"):
        pytest.importorskip(name, reason="needs the extra report")
