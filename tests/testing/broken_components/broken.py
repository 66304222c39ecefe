"""Construction of broken components from correct ones."""

from typing import Any

from declnet import Component

Broken = tuple[type[Component], str]


def broken(
    check: str, base: type[Component], name: str, /, before: Any = (), **members: Any
) -> Broken:
    """Return a correct component with one fault added, and the check that must catch it.

    Args:
        name: the fault, which becomes its type.
        before: a method, and a function called before it with the same arguments.
        members: replacements for members of `base`.
    """
    if before:
        method, spoil = before

        def spoiled(self, *arguments):
            spoil(self, *arguments)
            return getattr(base, method)(self, *arguments)

        members[method] = spoiled
    members = {"__module__": __name__, "__doc__": name.replace("_", " "), "type": name} | members
    return type(base)(name.title().replace("_", ""), (base,), members), check
