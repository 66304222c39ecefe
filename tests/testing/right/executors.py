"""Executors that carry out tasks in this process."""

from declnet import Executor, TaskUpdate, execute_task


class InTurn(Executor):
    """Carries out tasks one after another."""

    type = "in_turn"

    def execute(self, tasks):
        for number, task in enumerate(tasks):
            yield self.update(number, task)

    def update(self, number, task):
        try:
            return TaskUpdate(number, answer=execute_task(task))
        except Exception as error:
            return TaskUpdate(number, failure=str(error))


RIGHT = (InTurn,)
