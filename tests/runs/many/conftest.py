"""A searcher and an executor that need no other package."""

from __future__ import annotations

import json
from queue import SimpleQueue
from threading import Thread

import pytest

from declnet import Executor, Searcher, TaskUpdate, default_registry, execute_task
from declnet.registry.registry import Registry


class Steps(Searcher):
    """The next rate each time; trials of rates below 0.05 are stopped after their first report."""

    type = "steps"
    rates: tuple[float, ...] = (0.1, 0.01, 0.2, 0.3)

    def propose(self, study, number, trials):
        assert [each.number for each in trials] == list(range(number))
        if number >= len(self.rates):
            return None
        return {"optimizer.learning_rate": self.rates[number], "model.layers.1": "relu"}

    def should_stop(self, study, trial, trials):
        assert all(each.state != "running" for each in trials)
        return trial.values["optimizer.learning_rate"] < 0.05 and len(trial.reported) == 1


@pytest.fixture
def registry():
    """All components, and the searcher `steps`."""
    made = Registry()
    for each in default_registry().entries():
        made.add(each)
    made.register(Steps)
    return made


class InThread(Executor):
    """Carries out each task in a thread, which goes on once the caller has seen its news."""

    type = "in_thread"
    passes_reports_on: bool = False
    is_elsewhere: bool = False

    def execute(self, tasks):
        for number, task in enumerate(tasks):
            yield from self.carried_out(number, task)

    def carried_out(self, number, task):
        news, seen, stops = SimpleQueue(), SimpleQueue(), []
        if self.is_elsewhere:
            content = json.loads(task)
            moved = {name: content[name] + "x" for name in ("marker", "stop_file")}
            task = json.dumps(content | moved)

        def tell(update):
            news.put(update)
            seen.get()

        def report(text):
            tell(TaskUpdate(number, report=text, stop=stops.append))
            return stops[-1] if stops else None

        def work():
            answer = execute_task(
                task,
                lambda done: tell(TaskUpdate(number, done)),
                report if self.passes_reports_on else None,
            )
            news.put(TaskUpdate(number, answer=answer))

        thread = Thread(target=work)
        thread.start()
        while True:
            update = news.get()
            yield update
            if update.answer is not None:
                thread.join()
                return
            seen.put(None)
