"""The cases of a component: each of its checks with each of its examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from declnet.components.component import Component
from declnet.registry.registry import Registry
from declnet.testing.catalogue import checks_for
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, described
from declnet.testing.examples import DECLARE_EXAMPLES, build_example, build_examples
from declnet.testing.report import Outcome


@dataclass(eq=False)
class Case:
    """One check of one example, ready to run.

    Attributes:
        component: kind and type, e.g. `"layer:scale"`.
        example: the position of the example.
        check: the check's name.
        function: raises CheckFailed or CheckSkipped, or returns.
        earlier: the cases of the same component that come before.
    """

    component: str
    example: int
    check: str
    function: Callable[[], None]
    earlier: list[Case] = field(default_factory=list, repr=False)
    _ended: list[Exception | None] = field(default_factory=list, init=False, repr=False)

    @property
    def label(self) -> str:
        """A readable name, e.g. `layer:scale[0]-gradient_of_inputs`."""
        return f"{self.component}[{self.example}]-{self.check}"

    def run(self) -> None:
        """Run the check; floating-point warnings are silent, as in a training step.

        Raises:
            CheckFailed: the component breaks its contract.
            CheckSkipped: the check proves nothing about it, or an earlier one reports the cause.
        """
        error = self._end()
        if isinstance(error, CheckFailed) and error.cause is not None:
            for other in self.earlier:
                known = other._end()
                if isinstance(known, CheckFailed) and known.cause == error.cause:
                    raise CheckSkipped(f"the same as in {other.label}: {error.cause}") from error
        if error is not None:
            raise error

    def outcome(self) -> Outcome:
        """Run the check; whatever it raises becomes an outcome."""
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

    def _end(self) -> Exception | None:
        """How the check ends, found once."""
        if not self._ended:
            try:
                with np.errstate(all="ignore"):
                    self.function()
                self._ended.append(None)
            except Exception as error:
                self._ended.append(error)
        return self._ended[0]


def cases_of_class(
    cls: type[Any], registry: Registry, instances: Iterable[Component] = ()
) -> Iterator[Case]:
    """Yield the cases of a component class.

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
    yield from cases_of_subjects([Subject(each, position, registry) for position, each in built])
    if not built and not cls.examples:
        yield Case(name, 0, "can_be_built", partial(_raise, CheckSkipped(DECLARE_EXAMPLES)))


def cases_of_subjects(subjects: Iterable[Subject]) -> Iterator[Case]:
    """Yield the cases of instances of one class."""
    cases: list[Case] = []
    for subject in subjects:
        for check in checks_for(subject.instance):
            function = partial(check, subject)
            case = Case(subject.component, subject.example, check.name, function, list(cases))
            cases.append(case)
            yield case


def failing_case(component: str, check: str, message: str) -> Case:
    """Return a case for a fault that is known already, e.g. of a class that was refused."""
    return Case(component, 0, check, partial(_raise, CheckFailed(message)))


def _only(build: Callable[[], object]) -> None:
    build()


def _raise(error: Exception) -> None:
    raise error
