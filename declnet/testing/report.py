"""The report of the kit: an outcome for each check of each example."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from declnet.testing.checking import ConformanceError


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check of one example.

    Attributes:
        component: kind and type, e.g. `"layer:scale"`.
        example: the position of the example among the component's, from 0.
        check: the check's name.
        status: `"passed"`, `"failed"` or `"skipped"`.
        message: what is wrong and what to do, or why it was skipped; empty if it passed.
        as_in: if the check was skipped because it would fail like an earlier one, that check's
            label, e.g. `"layer:scale[0]-gradient_of_inputs"`.
        output: what was printed during the check, if it ran in a process of its own.
    """

    component: str
    example: int
    check: str
    status: Literal["passed", "failed", "skipped"]
    message: str = ""
    as_in: str | None = None
    output: str = ""

    @property
    def label(self) -> str:
        """A readable name, e.g. `layer:scale[0]-gradient_of_inputs`."""
        return f"{self.component}[{self.example}]-{self.check}"

    def __str__(self) -> str:
        message = f": {self.message}" if self.message else ""
        return f"{self.component}[{self.example}] {self.check} {self.status}{message}"


@dataclass(frozen=True)
class Report:
    """The outcomes of all checks, in the order in which they ran.

    Attributes:
        subject: what was checked, e.g. a package's name.
    """

    subject: str
    outcomes: tuple[Outcome, ...] = ()

    @property
    def passed(self) -> tuple[Outcome, ...]:
        """The outcomes of checks that passed."""
        return self._with("passed")

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The outcomes of checks that failed."""
        return self._with("failed")

    @property
    def skipped(self) -> tuple[Outcome, ...]:
        """The outcomes of checks that were skipped, each with its reason."""
        return self._with("skipped")

    @property
    def counts(self) -> dict[str, int]:
        """The number of checks `run` (passed or failed), `passed`, `failed` and `skipped`."""
        passed, failed = len(self.passed), len(self.failed)
        skipped = len(self.skipped)
        return {"run": passed + failed, "passed": passed, "failed": failed, "skipped": skipped}

    @property
    def components(self) -> tuple[str, ...]:
        """The components that were checked, each once, in order."""
        return tuple(dict.fromkeys(outcome.component for outcome in self.outcomes))

    @property
    def succeeded(self) -> bool:
        """Whether at least one check was run and none failed."""
        return bool(self.passed) and not self.failed

    def summary(self) -> str:
        """Return the counts as one line."""
        counts = self.counts
        return (
            f"{self.subject}: {counts['run']} checks run, {counts['passed']} passed, "
            f"{counts['failed']} failed, {counts['skipped']} skipped"
        )

    def raise_for_failures(self) -> None:
        """Do nothing if the checks succeeded.

        Raises:
            ConformanceError: checks failed, or none was run; the message lists all failures.
        """
        if not self.succeeded:
            lines = [self.summary(), *self._lines(self.failed or self.skipped)]
            raise ConformanceError("\n  ".join(lines))

    def __str__(self) -> str:
        """Return failed and skipped checks, a line each, and the counts at the end."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return failed and skipped checks with what they print, and the counts at the end."""
        return [*self._lines(self.skipped + self.failed), self.summary()]

    def _lines(self, outcomes: tuple[Outcome, ...]) -> list[str]:
        """Return a line for each; checks that fail like another one are counted there."""
        others = Counter(outcome.as_in for outcome in self.outcomes)
        lines = [] if self.counts["run"] else ["no check was run, which proves nothing"]
        for shown in (outcome for outcome in outcomes if outcome.as_in is None):
            more = others[shown.label]
            lines.append(
                f"{shown} ({more} more checks fail in the same way)" if more else f"{shown}"
            )
            if shown.status == "failed":
                lines += [f"    {line}" for line in shown.output.splitlines()]
        return lines

    def _with(self, status: str) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.status == status)
