"""The cases of a component: each of its checks with each of its examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from declnet import Component, Registry, is_interruption
from declnet.testing.catalogue import checks_for
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, described
from declnet.testing.examples import build_example, build_examples
from declnet.testing.report import Outcome


class FailsAsAnotherError(CheckSkipped):
    """A check fails because of what an earlier one, labeled `as_in`, reports."""

    def __init__(self, as_in: str, cause: str) -> None:
        super().__init__(f"{as_in} fails in the same way: {cause}")
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
    function: Callable[[], object]
    earlier: list[Case] = field(default_factory=list, repr=False)
    _ended: list[BaseException | None] = field(default_factory=list, init=False, repr=False)

    @property
    def label(self) -> str:
        """A readable name, e.g. `layer:scale[0]-gradient_of_inputs`."""
        return f"{self.component}[{self.example}]-{self.check}"

    def run(self) -> None:
        """Run the check, without floating-point warnings, as in a training step.

        Raises CheckFailed, or CheckSkipped, also if an earlier case reports the cause.
        """
        error = self._end()
        if isinstance(error, CheckFailed) and error.cause is not None:
            for other in self.earlier:
                if getattr(other._end(), "cause", None) == error.cause:
                    raise FailsAsAnotherError(other.label, error.cause) from error
        if error is not None:
            raise error

    def outcome(self) -> Outcome:
        """Run the check; turn anything it raises into an outcome."""
        outcome = partial(Outcome, self.component, self.example, self.check)
        try:
            self.run()
        except CheckSkipped as reason:
            return outcome("skipped", str(reason), getattr(reason, "as_in", None))
        except CheckFailed as failure:
            return outcome("failed", str(failure))
        except BaseException as error:
            if is_interruption(error):
                raise
            return outcome("failed", f"the check itself raised {described(error)}")
        return outcome("passed")

    def _end(self) -> BaseException | None:
        """Return the exception that ends the check, or None; the check runs only once."""
        if not self._ended:
            try:
                with np.errstate(all="ignore"):
                    self.function()
                self._ended.append(None)
            except BaseException as error:
                if is_interruption(error):
                    raise
                self._ended.append(error)
            self.function = object  # so that cached results are freed with the last case
        return self._ended[0]


def cases_of_class(
    cls: type[Any], registry: Registry, instances: Iterable[Component] = ()
) -> Iterator[Case]:
    """Yield the cases of a component class: of its examples, and of the instances of it."""
    name, built = f"{cls.kind}:{cls.type}", list[Subject]()
    for position, table in enumerate(cls.examples):
        build = partial(build_example, cls, table, position, registry)
        yield Case(name, position, "example_is_valid", build)
        try:
            built.append(Subject(build(), position, registry))
        except CheckFailed:
            continue
    try:
        more = () if cls.examples else build_examples(cls, registry)
    except CheckFailed as failure:
        yield ending_case(name, "can_be_built", failure)
        return
    more += tuple(instance for instance in instances if type(instance) is cls)
    built += [
        Subject(instance, i, registry) for i, instance in enumerate(more, start=len(cls.examples))
    ]
    yield from cases_of_subjects(built)
    if not built and not cls.examples:
        yield ending_case(
            name, "can_be_built", CheckSkipped("it has no defaults; declare examples")
        )


def cases_of_subjects(subjects: Iterable[Subject]) -> Iterator[Case]:
    """Yield the cases of instances of one class."""
    cases: list[Case] = []
    for subject in subjects:
        try:
            checks = checks_for(subject.instance)
        except CheckFailed as failure:
            yield ending_case(subject.component, "has_checks", failure)
            return
        for check in checks:
            function = partial(check, subject)
            case = Case(subject.component, subject.example, check.name, function, list(cases))
            cases.append(case)
            yield case


def ending_case(component: str, check: str, error: Exception) -> Case:
    """Return a case with a known outcome, e.g. for a class that was rejected."""

    def end() -> None:
        raise error

    return Case(component, 0, check, end)
