"""Executors that lose tasks or reports, mix them up, or cannot be stopped."""

import json
from threading import Thread

from declnet import TaskUpdate, execute_task

from ..right.executors import InTurn, Reporting
from .expected import caught_by


@caught_by("carries_out_each_task")
class LosesTheLastTask(InTurn):
    """Has no news of the last task."""

    def execute(self, tasks):
        updates = list(super().execute(tasks))
        yield from updates[:-1]


@caught_by("carries_out_each_task")
class MixesAnswersUp(InTurn):
    """Gives each task the answer to the first."""

    def execute(self, tasks):
        first = None
        for number, task in enumerate(tasks):
            first = first or task
            yield self.update(number, first)


@caught_by("carries_out_each_task")
class AnswersTwice(InTurn):
    """Has two answers to each task."""

    def execute(self, tasks):
        for each in super().execute(tasks):
            yield from (each, each)


@caught_by("carries_out_each_task")
class TakesTasksInAThread(InTurn):
    """Takes the tasks in a thread of its own."""

    def execute(self, tasks):
        found = []
        thread = Thread(target=self.take, args=(tasks, found))
        thread.start()
        thread.join()
        yield from found

    def take(self, tasks, found):
        try:
            found += super().execute(tasks)
        except Exception as error:
            found.append(error)


@caught_by("survives_a_task_that_raises")
class EndsAtAnException(InTurn):
    """Lets the exception of a task end all others."""

    def update(self, number, task):
        return TaskUpdate(number, answer=execute_task(task))


@caught_by("can_be_stopped")
class TakesAllTasksAtOnce(InTurn):
    """Takes all tasks before it carries out the first."""

    def execute(self, tasks):
        yield from super().execute(iter(list(tasks)))


@caught_by("passes_reports_and_stops_on")
class RepeatsReports(Reporting):
    """Passes each report on twice."""

    def execute(self, tasks):
        for each in super().execute(tasks):
            yield from [each] * (1 + (each.report is not None))


@caught_by("passes_reports_and_stops_on")
class StopsEachTaskAfterOne(Reporting):
    """Tells all tasks to stop once one is to."""

    def execute(self, tasks):
        stops = []
        for number, task in enumerate(tasks):
            yield from self.carried_out(number, task, stops)


@caught_by("passes_reports_and_stops_on")
class StopsNone(Reporting):
    """Takes what stops a task, and tells none."""

    def execute(self, tasks):
        for number, task in enumerate(tasks):
            content = json.loads(task)
            content["rehearsal"]["pause"] = 0  # it is a long one
            for each in self.carried_out(number, json.dumps(content), []):
                yield TaskUpdate(number, each.done, each.answer, None, each.report, len)
