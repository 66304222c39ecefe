"""Executors with one defect each."""

import subprocess
import sys

from declnet import Executor, TaskUpdate

PROGRAM = """
import sys
from declnet import execute_task
sys.stdout.buffer.write(execute_task(sys.stdin.read()))
"""


class AllAtOnce(Executor):
    """It takes all tasks before it runs the first, though some depend on earlier results."""

    type = "all_at_once"

    def execute(self, tasks):
        for number, task in enumerate(list(tasks)):
            command = [sys.executable, "-c", PROGRAM]
            text = task.text.encode()
            done = subprocess.run(command, input=text, capture_output=True, check=False)
            if done.returncode == 0:
                yield TaskUpdate(number, answer=done.stdout)
            else:
                yield TaskUpdate(number, failure=done.stderr.decode().strip())


DEFECTS = (("B", AllAtOnce),)
