"""The cases of a component: each of its checks with each of its examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from declnet.components.component import Component
from declnet.registry.registry import Registry
from declnet.testing.catalogue import checks_for
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, described
from declnet.testing.examples import DECLARE_EXAMPLES, build_example, build_examples
from declnet.testing.report import Outcome


class FailsAsAnotherError(CheckSkipped):
    """A check fails because of what an earlier one reports.

    Attributes:
        as_in: the label of that case.
    """

    def __init__(self, message: str, as_in: str) -> None:
        super().__init__(message)
        self.as_in = as_in


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
                    message = f"{other.label} fails in the same way: {error.cause}"
                    raise FailsAsAnotherError(message, other.label) from error
        if error is not None:
            raise error

    def outcome(self) -> Outcome:
        """Run the check; whatever it raises becomes an outcome."""
        try:
            self.run()
        except CheckSkipped as reason:
            as_in = getattr(reason, "as_in", None)
            return self._outcome("skipped", str(reason), as_in)
        except CheckFailed as failure:
            return self._outcome("failed", str(failure))
        except Exception as error:
            return self._outcome("failed", f"the check itself raised {described(error)}")
        return self._outcome("passed")

    def _outcome(
        self,
        status: Literal["passed", "failed", "skipped"],
        message: str = "",
        as_in: str | None = None,
    ) -> Outcome:
        return Outcome(self.component, self.example, self.check, status, message, as_in)

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
