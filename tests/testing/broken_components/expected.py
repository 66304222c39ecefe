"""Which check must catch each broken component."""

import re
from collections.abc import Callable

from declnet import Component

EXPECTED: dict[type[Component], str] = {}


def caught_by(check: str) -> Callable[[type], type]:
    """Say which check catches the class; its type is its name, unless it declares one."""

    def expect(cls):
        if "type" not in vars(cls):
            cls.type = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        EXPECTED[cls] = check
        return cls

    return expect
