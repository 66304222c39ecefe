"""The cases of a component: each of its checks with each of its examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from declnet import Registry, is_interruption
from declnet.testing.catalogue import checks_for
from declnet.testing.checking import Check, CheckFailed, CheckSkipped, Subject, described
from declnet.testing.examples import build_example, build_examples, example_tables
from declnet.testing.report import Outcome
from declnet.testing.side_effects import has_no_side_effects, side_effects_noted


class FailsAsAnotherError(CheckSkipped):
    """A check fails because of what an earlier one, labeled `as_in`, reports."""

    def __init__(self, as_in: str, cause: str) -> None:
        super().__init__(f"{as_in} fails in the same way: {cause}")
        self.as_in = as_in


class ExpectedFailureError(CheckSkipped):
    """A check fails as the component's `expected_failures` says."""


@dataclass(eq=False)
class Case:
    """One check of one example, ready to run.

    Attributes:
        component: kind and type, e.g. `"layer:scale"`.
        example: the position of the example.
        check: the check's name.
        function: raises CheckFailed or CheckSkipped, or returns.
        subject: whose side effects are noted; None for a known outcome.
        earlier: the cases of the same component that come before.
        expected_failure: the reason for which the component may fail.
        is_last: whether the check is not run for other examples afterwards.
    """

    component: str
    example: int
    check: str
    function: Callable[[], object]
    subject: Subject | None = None
    earlier: list[Case] = field(default_factory=list, repr=False)
    expected_failure: str | None = None
    is_last: bool = False
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
        if self.expected_failure is not None:
            self._require_failure(error, self.expected_failure)
        elif isinstance(error, CheckFailed) and error.cause is not None:
            for other in self.earlier:
                if other.expected_failure is not None:
                    continue
                if getattr(other._end(), "cause", None) == error.cause:
                    raise FailsAsAnotherError(other.label, error.cause) from error
        if error is not None:
            raise error

    def _require_failure(self, error: BaseException | None, reason: str) -> None:
        """Raise ExpectedFailureError for a failure, and CheckFailed if no example fails."""
        if isinstance(error, CheckFailed):
            raise ExpectedFailureError(f"fails as expected: {reason} ({error})") from error
        if error is None and self.is_last:
            examples = [case._end() for case in self.earlier if case.check == self.check]
            unseen = self.check == has_no_side_effects.name and any(
                isinstance(case._end(), CheckSkipped) for case in self.earlier
            )  # in checks that cannot be run here
            if not unseen and not any(isinstance(end, CheckFailed) for end in examples):
                raise CheckFailed(f"it passes; remove it from expected_failures, where: {reason}")

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
            if self.check == has_no_side_effects.name:  # in the other checks of this example
                for case in self.earlier:
                    if case.example == self.example:
                        case._end()
            try:
                if self.subject is None:
                    self.function()
                else:
                    with side_effects_noted(self.subject, self.check):
                        self.function()
                self._ended.append(None)
            except BaseException as error:
                if is_interruption(error):
                    raise
                self._ended.append(error)
            self.function = object  # so that cached results are freed with the last case
        return self._ended[0]


def cases_of_class(cls: type[Any], registry: Registry) -> Iterator[Case]:
    """Yield the cases of the examples of a component class."""
    name, built = f"{cls.kind}:{cls.type}", list[Subject]()
    try:
        tables = example_tables(cls)
    except (CheckFailed, CheckSkipped) as reason:
        yield ending_case(name, "writes_its_example", reason)
        tables = cls.examples
    for position, table in enumerate(tables):
        build = partial(build_example, cls, table, position, registry)
        yield Case(name, position, "example_is_valid", build)
        try:
            built.append(Subject(build(), position, registry))
        except CheckFailed:
            continue
    if not tables:
        try:
            built += [Subject(instance, 0, registry) for instance in build_examples(cls, registry)]
        except CheckFailed as failure:
            yield ending_case(name, "can_be_built", failure)
            return
    yield from cases_of_subjects(built, all_examples=True)
    if not built and not tables:
        yield ending_case(
            name, "can_be_built", CheckSkipped("it has no defaults; declare examples")
        )


def cases_of_subjects(subjects: Sequence[Subject], *, all_examples: bool = False) -> Iterator[Case]:
    """Yield the cases of instances of one class, which may be all of its examples."""
    cases: list[Case] = []
    for position, subject in enumerate(subjects, start=1):
        try:
            checks = checks_for(subject.instance)
        except CheckFailed as failure:
            yield ending_case(subject.component, "has_checks", failure)
            return
        is_last = all_examples and position == len(subjects)
        yield from cases_of_checks(subject, checks, cases, is_last)
    expected = type(subjects[0].instance).expected_failures if subjects else {}
    for name in expected.keys() - {case.check for case in cases}:
        fault = f'expected_failures has "{name}", which is not a check of this kind'
        yield ending_case(subjects[0].component, "expected_failures_are_checks", CheckFailed(fault))


def cases_of_checks(
    subject: Subject, checks: Iterable[Check], cases: list[Case], is_last: bool = True
) -> Iterator[Case]:
    """Yield a case for each check of a subject, which may be the last of its class.

    Each is added to `cases`, which has the earlier cases of the same class.
    """
    expected: Mapping[str, str] = getattr(subject.instance, "expected_failures", {})
    for check in checks:
        place = subject.component, subject.example, check.name
        function, reason = partial(check, subject), expected.get(check.name)
        case = Case(*place, function, subject, [*cases], reason, is_last)
        cases.append(case)
        yield case


def ending_case(component: str, check: str, error: Exception) -> Case:
    """Return a case with a known outcome, e.g. for a class that was rejected."""

    def end() -> None:
        raise error

    return Case(component, 0, check, end)
