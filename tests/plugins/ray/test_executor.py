"""The executor `ray` with a stand-in for Ray, in this process; test_cluster.py has the real one."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from itertools import islice
from types import ModuleType, SimpleNamespace

import pytest

from declnet import RunError, default_registry
from declnet_plugins.ray import executor
from declnet_plugins.ray.executor import HEARTBEAT, RayExecutor


class RayError(Exception): ...


class RayTaskError(RayError):
    def __init__(self, cause):
        self.cause = cause


class Reference:
    """A task: `wait` runs it, and returns it as ready the next time."""

    def __init__(self, call):
        self.call, self.has_run, self.value = call, False, None

    def run(self):
        self.has_run = True
        try:
            self.value = self.call()
        except RayError as error:
            self.value = error
        except Exception as error:
            self.value = RayTaskError(error)
        return self


class StandIn(ModuleType):
    """The part of Ray that the executor uses; it records the requests."""

    def __init__(self):
        super().__init__("ray")
        self.__spec__ = ModuleSpec("ray", None)
        self.exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
        self.inits, self.options, self.boards = [], [], []
        self.cancelled, self.waits, self.pending = [], [], []
        self.cpus, self.initialized, self.refuses, self.most = 1, True, None, 0

    def is_initialized(self):
        return self.initialized

    def init(self, **options):
        self.inits.append(options)
        if self.refuses:
            raise self.refuses

    def cluster_resources(self):
        return {"CPU": self.cpus}

    def get_runtime_context(self):
        return SimpleNamespace(get_node_id=lambda: "here")

    def remote(self, **options):
        self.options.append(options)

        def declared(target):
            def started(*arguments):
                if not isinstance(target, type):
                    reference = Reference(lambda: target(*arguments))
                    self.pending.append(reference)
                    self.most = max(self.most, len(self.pending))
                    return reference
                self.boards.append(target())
                methods = (name for name in vars(target) if not name.startswith("_"))
                return SimpleNamespace(**{name: self._method(name) for name in methods})

            return SimpleNamespace(remote=started)

        return declared

    def _method(self, name):
        board = self.boards[-1]
        return SimpleNamespace(
            remote=lambda *arguments: Reference(lambda: getattr(board, name)(*arguments)).run()
        )

    def get(self, reference, timeout=None):
        if isinstance(reference.value, RayError):
            raise reference.value
        return reference.value

    def wait(self, references, num_returns, timeout, fetch_local):
        self.waits.append((num_returns, timeout))
        first = references[0]
        if not first.has_run:
            first.run()
            return [], references
        self.pending.remove(first)
        return [first], references[1:]

    def cancel(self, reference):
        self.cancelled.append(reference)


@pytest.fixture
def ray(monkeypatch):
    stand_in, strategies = StandIn(), ModuleType("ray.util.scheduling_strategies")
    strategies.NodeAffinitySchedulingStrategy = lambda node, soft: (node, soft)
    monkeypatch.setitem(sys.modules, "ray", stand_in)
    monkeypatch.setitem(sys.modules, "ray.util", ModuleType("ray.util"))
    monkeypatch.setitem(sys.modules, "ray.util.scheduling_strategies", strategies)
    stand_in.now = 100.0
    monkeypatch.setattr(executor, "time", SimpleNamespace(monotonic=lambda: stand_in.now))

    def execute_task(text, progress, report):
        progress(0.25)  # too early to be written
        stand_in.now += HEARTBEAT
        progress(0.5)
        progress(0.75)
        assert report(f"epoch of {text}") is None
        if text == "fails":
            raise ValueError(text)
        if text in ("lost \n node", ""):
            raise RayError(text)
        return text.encode()

    monkeypatch.setattr(executor, "execute_task", execute_task)
    return stand_in


def updates(*texts, **fields):
    return RayExecutor(**fields).execute(SimpleNamespace(text=text) for text in texts)


def test_tasks_report_and_are_answered_in_any_number(ray):
    result = [*updates("a", "b", "c", "d", attempts=3, cpus=0.5)]
    for number, text in enumerate("abcd"):
        part = [update for update in result if update.task == number]
        assert [update.report for update in part] == [f"epoch of {text}", None, None]
        assert [update.done for update in part] == [0, 0.5, 0]
        assert [update.answer for update in part] == [None, None, text.encode()]
    assert ray.options[1] == {"num_cpus": 0.5, "max_retries": 2}
    assert ray.options[0]["scheduling_strategy"] == ("here", True)
    assert (ray.most, ray.cancelled) == (4, [])


@pytest.mark.parametrize(
    ("cpus", "cpus_of_task", "most"), [(1, 1, 2), (2, 1, 4), (1, 4, 1), (3, 2, 3)]
)
def test_twice_as_many_tasks_wait_as_run(ray, cpus, cpus_of_task, most):
    ray.cpus = cpus
    assert len([u for u in updates(*"abcdefgh", cpus=cpus_of_task) if u.answer is not None]) == 8
    assert ray.most == most


def test_a_stop_is_the_answer_to_the_next_report(ray):
    first = next(update for update in updates("a") if update.report is not None)
    first.stop("behind")
    (board,) = ray.boards
    assert (board.report(0, "again"), board.report(1, "other")) == ("behind", None)


def test_failures_say_where_and_why(ray):
    failures = [update.failure for update in updates("fails", "lost \n node", "") if update.failure]
    assert failures == ["on a node of the cluster: ValueError('fails')", "lost node", "RayError"]


def test_running_tasks_are_interrupted_at_the_end(ray):
    running = updates("a", "b", "c")
    list(islice(running, 1))
    pending = [*ray.pending]
    running.close()
    assert ray.cancelled == pending
    assert len(pending) == 2
    assert ray.waits[-1] == (2, executor.ENDING)


@pytest.mark.parametrize(
    ("address", "passed"), [(None, None), ("//h:1", "ray://h:1"), ("auto", "auto")]
)
def test_it_connects_once_or_says_why_not(ray, address, passed, monkeypatch):
    connecting = RayExecutor(address=address)
    assert (connecting.unavailable(), ray.inits) == (None, [])
    ray.initialized, options = False, {"log_to_driver": False, "logging_level": 30}
    assert (connecting.unavailable(), ray.inits) == (None, [{"address": passed, **options}])
    ray.refuses = Exception("no\nmore")
    named = "" if passed is None else f" at {passed}"
    assert connecting.unavailable() == f"there is no Ray cluster{named} to connect to: no"
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RunError, match="ray is not installed: pip install"):
        next(connecting.execute(iter(())))


def test_it_is_an_executor_of_four_attempts(ray):
    cls = default_registry().find("executor", "ray")
    assert (cls().attempts, cls().cpus, cls().unavailable()) == (4, 1, None)
    for field in ("attempts", "cpus"):
        with pytest.raises(ValueError, match=field):
            cls(**{field: 0})
    assert cls(attempts=1).attempts == 1
