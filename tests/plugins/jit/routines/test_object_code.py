"""Compilation: once, announced in a line, cached on disk; and without Numba."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from declnet import SpecError, parse_spec, run
from declnet_plugins.jit.routines.routine import Routine

LINE = "declnet: compiling kernels, once on this machine (a few seconds)\n"


@pytest.fixture
def short(spiral):
    """A spec of few kernels, each of which takes about a second to compile."""
    spiral["model"]["layers"] = [{"type": "dense", "units": 3}, "softmax"]
    spiral |= {"optimizer": "sgd", "engine": {"kernels": "jit"}}
    spiral["training"]["epochs"] = 3
    return spiral


BIND = """
import os, sys, threading
import numpy as np
from declnet_plugins.jit.routines.routine import Routine

def increased(value):
    return value + 1

@Routine
def increase(x):
    for i in range(x.size):
        x[i] = increased(x[i])

def bind(dtype):
    x = np.arange(3, dtype=dtype)
    increase.bound(x)()
    assert x.tolist() == [1, 2, 3]
"""


def bind_apart(script, folder, **environment):
    """Start a process that binds a routine."""
    return subprocess.Popen(
        [sys.executable, "-c", BIND + script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DECLNET_CACHE_DIR": str(folder), **environment},
    )


def test_two_processes_compile_concurrently_and_a_third_loads_their_code(numba, tmp_path):
    script = "bind(float)\nprint('numba' in sys.modules)"
    both = [bind_apart(script, tmp_path / "made" / "here") for _ in range(2)]
    assert {process.communicate() for process in both} == {("True\n", LINE)}
    assert len(list(tmp_path.rglob("*.*"))) == 1
    assert bind_apart(script, tmp_path / "made" / "here").communicate() == ("False\n", "")


def test_a_process_may_fork_while_a_thread_compiles(numba, tmp_path):
    script = """
thread = threading.Thread(target=bind, args=(float,))
thread.start()
while "numba" not in sys.modules:
    pass
child = os.fork() if hasattr(os, "fork") else None
bind(np.float32)
bind(float)
if child == 0:
    os._exit(0)
thread.join()
print(os.waitpid(child, 0)[1] if child else 0)
"""
    done = bind_apart(script, tmp_path)
    assert done.communicate(timeout=60)[0] == "0\n"


object_code = pytest.importorskip(
    "declnet_plugins.jit.routines.object_code", reason="the extra jit is not installed"
)


@pytest.fixture
def increase():
    """Return a function that creates a routine not yet bound in this process."""

    def make(by=1.0, function=round):
        @Routine
        def increase(x):
            for i in range(x.size):
                x[i] = function(x[i]) + by

        return increase

    return make


@pytest.fixture
def restarted(numba, monkeypatch, tmp_path):
    """Return a function that unloads all routines, as in a new process."""

    def restart(folder=tmp_path):
        monkeypatch.setenv("DECLNET_CACHE_DIR", str(folder))
        monkeypatch.setattr(object_code, "_loaded", {})
        monkeypatch.setattr(object_code, "_announced", [])

    return restart


def increases(routine):
    x = np.zeros(2)
    routine.bound(x)()
    return x.tolist()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:500] + bytes([content[500] ^ 1]) + content[501:],
        lambda content: content + b"more",
    ],
    ids=["empty", "truncated", "one bit", "longer"],
)
def test_a_damaged_file_of_the_cache_is_replaced(increase, restarted, damage, tmp_path, capsys):
    restarted()
    assert increases(increase()) == [1, 1]
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    file.write_bytes(damage(content))
    restarted()
    assert increases(increase()) == [1, 1]
    assert capsys.readouterr().err == LINE * 2
    assert file.read_bytes() != damage(content)
    restarted()
    assert increases(increase()) == [1, 1]
    assert capsys.readouterr().err == ""


def changed_by_others(folder, file):
    folder.chmod(0o777)


def replaced_by_others(folder, file):
    folder.parent.chmod(0o777)


def written_by_others(folder, file):
    file.chmod(0o666)


def owned_by_others(folder, file):
    os.chown(file, 12345, -1)


def in_folder_of_others(folder, file):
    os.chown(folder, 12345, -1)


def linked_by_others(folder, file):
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")
    os.chown(folder, 12345, -1, follow_symlinks=False)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other permissions")
@pytest.mark.parametrize(
    "attack",
    [
        None,
        *(changed_by_others, replaced_by_others, written_by_others),
        *(owned_by_others, in_folder_of_others, linked_by_others),
    ],
)
def test_code_that_another_user_could_have_changed_never_runs(
    increase, restarted, attack, tmp_path, capsys
):
    """A valid object of the cache is replaced by one that adds 2 instead of 1."""
    folder = tmp_path / "home" / "cache"
    restarted(folder)
    increases(increase(2.0))
    (other,) = folder.iterdir()
    code = other.read_bytes()[32:]
    increases(increase(1.0))
    (file,) = {*folder.iterdir()} - {other}
    key = [*object_code._loaded][1]
    file.write_bytes(object_code._checksum(key, code) + code)
    capsys.readouterr()
    if attack is not None:
        try:
            attack(folder, file)
        except PermissionError:
            pytest.skip("only root can give files to other users")
    restarted(folder)
    assert increases(increase(1.0)) == ([2, 2] if attack is None else [1, 1])
    increases(increase(3.0))
    notes = capsys.readouterr().err
    assert notes.count("\n") == 1
    assert ("without the cache: " in notes) == (attack is not None)


def test_files_that_no_process_loads_for_90_days_are_deleted(increase, restarted, tmp_path):
    def age(days, *files):
        for file in files:
            os.utime(file, (time.time() - days * 24 * 60 * 60,) * 2)

    restarted()
    increases(increase(1.0))
    (used_file,) = tmp_path.iterdir()
    increases(increase(2.0))
    (unused_file,) = {*tmp_path.iterdir()} - {used_file}
    temporary = tmp_path / f".{unused_file.name}.4321"
    other = tmp_path / "notes-of-mine.o"
    temporary.touch()
    other.touch()
    age(89, unused_file)
    increases(increase(3.0))
    assert unused_file.exists()
    age(91, used_file, unused_file, temporary, other)
    restarted()
    increases(increase(1.0))
    assert len(list(tmp_path.iterdir())) == 5  # nothing was written, so nothing deleted
    increases(increase(4.0))
    assert used_file.exists()
    assert other.exists()
    assert not unused_file.exists()
    assert not temporary.exists()


def test_everything_a_routine_computes_with_is_part_of_its_key(
    increase, restarted, numba, tmp_path, monkeypatch
):
    def tripled(value):
        return value * 3 + 1

    def fourfold(value):
        return value * 4 + 1

    restarted()
    jitted = (numba.njit(tripled), numba.njit(fourfold), numba.njit(fastmath={"nnan"})(fourfold))
    for count, arguments in enumerate(
        [(1.0,), (2.0,), (2, tripled), (2, fourfold), *((2, function) for function in jitted)],
        start=1,
    ):
        increases(increase(*arguments))
        assert len(list(tmp_path.iterdir())) == count
    restarted()
    increases(increase(2, tripled))
    assert len(list(tmp_path.iterdir())) == count
    restarted()
    monkeypatch.setenv("NUMBA_A_LATER_ONE", "1")
    increases(increase(2, tripled))
    assert len(list(tmp_path.iterdir())) == count + 1


@pytest.mark.parametrize("how", ["not installed", "disabled"])
def test_without_numba_jit_is_refused_with_the_reason_and_auto_is_numpy(how, short, monkeypatch):
    if how == "disabled":
        pytest.importorskip("numba")
        monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
        why = "NUMBA_DISABLE_JIT disables Numba's compiler: unset it"
    else:
        monkeypatch.setitem(sys.modules, "numba", None)
        why = r"pip install 'declnet\[jit\]'"
    with pytest.raises(SpecError, match=f"E008.*{why}"):
        run(parse_spec(short))
    short["training"]["epochs"] = 20
    plain, auto = (
        run(parse_spec(short | {"engine": {"kernels": kernels}})) for kernels in ("numpy", "auto")
    )
    assert auto.history == plain.history
