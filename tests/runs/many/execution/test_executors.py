"""Executors: tasks are text that any machine can carry out, and runs are the same there."""

from __future__ import annotations

import pytest

from declnet import (
    ComponentError,
    Executor,
    TaskUpdate,
    default_registry,
    parse_spec,
    run,
)
from declnet.runs.many.execution.executors import on_executor
from declnet.runs.many.execution.tasks import tasks_of

from ....testing.right.executors import InThread, InTurn

BITS = ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml")


def outcomes(executor, tasks, parent, follow=lambda *_: None):
    return list(on_executor(tasks, executor, parent, default_registry(), (), follow))


def bits(folder):
    return {each: (folder / each).read_bytes() for each in BITS}


def left_in(parent):
    return {each.name for each in parent.iterdir()}


@pytest.mark.parametrize("executor", [InThread(), InThread(is_elsewhere=True)])
def test_a_run_is_that_of_this_process(executor, document, tmp_path):
    document["training"]["callbacks"] = [{"type": "checkpoint", "every_epochs": 1}]
    spec = parse_spec(document)
    alone = run(spec.model_copy(update={"seed": 5}), out=tmp_path / "alone")
    parent = tmp_path / "all"
    tasks = tasks_of(spec, (5,), parent)
    followed = []
    found = outcomes(executor, tasks, parent, lambda task, done: followed.append(done))
    assert (found[0].metrics, found[0].error) == (alone.metrics, None)
    assert bits(tasks[0].directory) == bits(tmp_path / "alone")
    assert [each.name for each in sorted((tasks[0].directory / "checkpoints").iterdir())] == [
        each.name for each in sorted((tmp_path / "alone/checkpoints").iterdir())
    ]
    assert followed[-1] == 1.0
    assert left_in(parent) == {"seed-5"}
    (again,) = outcomes(executor, tasks, parent)  # it has finished, and stays as it is
    assert again.metrics == alone.metrics


def test_what_another_machine_sends_replaces_what_was_left_of_a_run(document, tmp_path):
    (task,) = tasks_of(parse_spec(document), (5,), tmp_path / "all")
    run(task.spec, out=task.directory)
    before = bits(task.directory)
    (task.directory / "metrics.json").write_text("{}", "utf-8")
    (task.directory / "left").touch()
    (found,) = outcomes(InThread(is_elsewhere=True), [task], tmp_path / "all")
    assert found.error is None
    assert bits(task.directory) == before
    assert not (task.directory / "left").exists()


class Broken(Executor):
    """Yields what it is made to."""

    type = "broken"
    updates: tuple[object, ...] = ()

    def execute(self, tasks):
        next(tasks)
        yield from self.updates


@pytest.mark.parametrize(
    ("update", "problem"),
    [
        (TaskUpdate(3, answer=b""), "news of task 3"),
        ("done", "not a TaskUpdate"),
        (TaskUpdate(0, answer="text"), "not bytes"),
    ],
)
def test_an_executor_that_breaks_its_contract_is_named(update, problem, document, tmp_path):
    tasks = tasks_of(parse_spec(document), (1, 2), tmp_path / "all")
    with pytest.raises(ComponentError, match=f'executor "broken".*{problem}'):
        outcomes(Broken(updates=(update,)), tasks, tmp_path / "all")


def test_each_task_has_an_outcome_whatever_the_executor_does(document, tmp_path):
    tasks = tasks_of(parse_spec(document), (1, 2), tmp_path / "all")
    updates = (TaskUpdate(0, failure="the machine is gone"),)
    found = outcomes(Broken(updates=updates), tasks, tmp_path / "all")
    assert [each.error for each in found] == [
        "the machine is gone",
        'the executor "broken" ended without its answer',
    ]
    (found, _) = outcomes(Broken(updates=(TaskUpdate(0, answer=b"x"),)), tasks, tmp_path / "all")
    assert "not what execute_task returned" in found.error
    outside = b'{"outcome": {"error": null}, "files": {"../x": 1}}\ny'
    (found, _) = outcomes(Broken(updates=(TaskUpdate(0, answer=outside),)), tasks, tmp_path / "all")
    assert "not what execute_task returned" in found.error
    assert not (tmp_path / "all/x").exists()


def test_an_iterator_that_has_more_tasks_later_is_asked_again(document, tmp_path):
    """As a study, of which a trial goes on with its next fold when nothing else can begin."""
    waiting = tasks_of(parse_spec(document), (1, 2), tmp_path / "all")
    done: list[int] = []

    class Study:
        def __iter__(self):
            return self

        def __next__(self):
            if not waiting or len(done) % 2:
                raise StopIteration
            done.append(0)
            return waiting.pop(0)

    for outcome in on_executor(
        Study(), InTurn(), tmp_path / "all", default_registry(), (), lambda *_: None
    ):
        assert outcome.error is None
        done.append(outcome.seed)
    assert done == [0, 1, 0, 2]
