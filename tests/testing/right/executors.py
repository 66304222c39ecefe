"""Executors that run tasks in this process."""

import json
from queue import SimpleQueue
from threading import Thread

from declnet import Executor, TaskUpdate, execute_task


class InTurn(Executor):
    """Runs tasks sequentially."""

    type = "in_turn"

    def execute(self, tasks):
        for number, task in enumerate(tasks):
            yield self.update(number, task)

    def update(self, number, task):
        try:
            return TaskUpdate(number, answer=execute_task(task.text))
        except Exception as error:
            return TaskUpdate(number, failure=str(error))


class InThread(Executor):
    """Runs each task in a thread, which waits until the caller has received its reports."""

    type = "in_thread"
    passes_reports_on: bool = False
    is_elsewhere: bool = False

    def execute(self, tasks):
        for number, task in enumerate(tasks):
            yield from self.carried_out(number, task, [])

    def carried_out(self, number, task, stops):
        news, seen = SimpleQueue(), SimpleQueue()
        task = task.text
        if self.is_elsewhere:
            content = json.loads(task)
            moved = {name: f"{content[name]}x" for name in ("marker", "stop_file") if content[name]}
            task = json.dumps(content | moved | {"host": "here"})

        def tell(update):
            news.put(update)
            seen.get()

        def report(text):
            tell(TaskUpdate(number, report=text, stop=stops.append))
            return stops[-1] if stops else None

        def work():
            try:
                answer = execute_task(
                    task,
                    lambda done: tell(TaskUpdate(number, done)),
                    report if self.passes_reports_on else None,
                )
                news.put(TaskUpdate(number, answer=answer))
            except Exception as error:
                news.put(TaskUpdate(number, failure=str(error)))

        thread = Thread(target=work, daemon=True)
        thread.start()
        while True:
            update = news.get()
            yield update
            if update.answer is not None or update.failure is not None:
                thread.join()
                return
            seen.put(None)


class Reporting(InThread):
    """Forwards the reports of each task and its exceptions."""

    type = "reporting"
    passes_reports_on: bool = True
