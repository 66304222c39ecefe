"""Kill a process before each SQL statement that creates a study's file, then open the study.

Arguments: an empty folder, the creator of the tables (`declnet`, or `optuna` alone as in earlier
versions of declnet), and the number of statements from one kill to the next. Prints the number of
kills. Fails at the first folder whose study cannot be used or whose tables are incomplete.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import optuna
from sqlalchemy import Engine, event

from declnet import Dimension, StudyContext
from declnet_plugins.optuna.searcher import OptunaSearcher

SPACE = (Dimension("optimizer.learning_rate", 1e-4, 0.1, log=True),)


def use(folder: Path) -> None:
    context = StudyContext("name", folder, SPACE, "validation.loss", "lower", 1, 12, 3, "here")
    with closing(OptunaSearcher().open(context)) as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial.number, "finished", 1.0, 0.1)
        assert study.trials()[-1].state == "finished"


def make(folder: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.storages.RDBStorage(f"sqlite:///{folder / 'study.db'}").engine.dispose()


def tables(folder: Path) -> set[tuple[str, ...]]:
    assert [path.name for path in folder.iterdir()] == ["study.db"]
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        result = set(connection.execute("SELECT type, name, sql FROM sqlite_master"))
        versions = connection.execute("SELECT schema_version FROM version_info").fetchall()
        revisions = connection.execute("SELECT * FROM alembic_version").fetchall()
    return {*result, ("versions", str(versions), str(revisions))}


def in_a_process(kill: int, do: Callable[[Path], None], folder: Path) -> int:
    """Return the exit code of a process that is killed before a statement about a file, from 0."""
    child = os.fork()
    if child == 0:
        left = kill

        def count(connection: object, *_: object) -> None:
            nonlocal left
            if str(folder) in str(connection.engine.url):  # type: ignore[attr-defined]
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1

        event.listen(Engine, "before_cursor_execute", count)
        event.listen(Engine, "commit", count)
        code = 1
        try:
            do(folder)
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(parent: Path, maker: str, step: int) -> None:
    begin = {"declnet": use, "optuna": make}[maker]
    whole = parent / "whole"
    whole.mkdir()
    use(whole)
    number = kills = 0
    while True:
        folder = parent / str(number)
        folder.mkdir()
        code = in_a_process(number, begin, folder)
        assert code in (0, -signal.SIGKILL), code
        use(folder)
        assert tables(folder) == tables(whole), number
        if code == 0:
            break
        number, kills = number + step, kills + 1
    sys.stdout.write(f"{kills}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2], int(sys.argv[3]))
