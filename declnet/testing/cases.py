"""The cases of a component: each of its checks with each of its examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from declnet.components.component import Component
from declnet.registry.registry import Registry
from declnet.testing.catalogue import checks_for
from declnet.testing.examples import DECLARE_EXAMPLES, build_example, build_examples
from declnet.testing.failures import CheckFailed, CheckSkipped, described
from declnet.testing.report import Outcome
from declnet.testing.subjects import Subject


@dataclass(frozen=True)
class Case:
    """One check of one example, ready to run.

    Attributes:
        component: kind and type, e.g. `"layer:scale"`.
        example: the position of the example.
        check: the check's name.
        function: raises CheckFailed or CheckSkipped, or returns.
    """

    component: str
    example: int
    check: str
    function: Callable[[], None]

    @property
    def label(self) -> str:
        """A readable name, e.g. `layer:scale[0]-gradient_of_inputs`."""
        return f"{self.component}[{self.example}]-{self.check}"

    def run(self) -> None:
        """Runs the check; floating-point warnings are silent, as in a training step.

        Raises:
            CheckFailed: the component does not keep its contract.
            CheckSkipped: the check says nothing about it.
        """
        with np.errstate(all="ignore"):
            self.function()

    def outcome(self) -> Outcome:
        """Runs the check; whatever it raises becomes an outcome."""
        try:
            self.run()
        except CheckSkipped as reason:
            return Outcome(self.component, self.example, self.check, "skipped", str(reason))
        except CheckFailed as failure:
            return Outcome(self.component, self.example, self.check, "failed", str(failure))
        except Exception as error:
            message = f"the check itself raised {described(error)}"
            return Outcome(self.component, self.example, self.check, "failed", message)
        return Outcome(self.component, self.example, self.check, "passed")


def cases_of_class(
    cls: type[Any], registry: Registry, instances: Iterable[Component] = ()
) -> Iterator[Case]:
    """The cases of a component class.

    Args:
        cls: the class.
        registry: where components that it names are looked up.
        instances: more instances of it, besides those of its examples.
    """
    name = f"{cls.kind}:{cls.type}"
    more = [instance for instance in instances if type(instance) is cls]
    built: list[tuple[int, Component]] = []
    for position, table in enumerate(cls.examples):
        build = partial(build_example, cls, table, position, registry)
        yield Case(name, position, "example_is_valid", partial(_only, build))
        try:
            built.append((position, build()))
        except CheckFailed:
            continue
    if not cls.examples:
        built += enumerate(build_examples(cls, registry))
    built += enumerate(more, start=max(len(cls.examples), len(built)))
    for position, instance in built:
        yield from cases_of_instance(Subject(instance, position, registry))
    if not built and not cls.examples:
        yield Case(name, 0, "can_be_built", partial(_skip, DECLARE_EXAMPLES))


def cases_of_instance(subject: Subject) -> Iterator[Case]:
    """The cases of one instance."""
    for check in checks_for(subject.instance):
        yield Case(subject.component, subject.example, check.name, partial(check, subject))


def failing_case(component: str, check: str, message: str) -> Case:
    """A case for a fault that is known already, e.g. of a class that cannot be registered."""
    return Case(component, 0, check, partial(_fail, message))


def _only(build: Callable[[], object]) -> None:
    build()


def _skip(reason: str) -> None:
    raise CheckSkipped(reason)


def _fail(message: str) -> None:
    raise CheckFailed(message)
