"""How a broken component is made of a correct one, and which check must catch it."""

from typing import Any

from declnet import Component

Broken = tuple[type[Component], str]


def broken(
    check: str, base: type[Component], name: str, /, before: Any = (), **members: Any
) -> Broken:
    """Return a component that is right but for one fault, and the check that must catch it.

    Args:
        name: what it does wrong; its type.
        before: a method, and what is called before it with the same arguments.
        members: what replaces members of `base`.
    """
    if before:
        method, spoil = before

        def spoiled(self, *arguments):
            spoil(self, *arguments)
            return getattr(base, method)(self, *arguments)

        members[method] = spoiled
    members = {"__module__": __name__, "__doc__": name.replace("_", " "), "type": name} | members
    return type(base)(name.title().replace("_", ""), (base,), members), check
