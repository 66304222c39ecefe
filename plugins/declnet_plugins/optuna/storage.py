"""The database of a study: its URL, the password from the environment, and errors without it."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from declnet import RunError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from sqlalchemy import Connection

PASSWORD = re.compile(r"://[^:/@]*:[^@]*@|[?&][^=&]*(?:passw|pwd)[^=&]*=", re.I)
"""A password in a URL: in the place for it, or in a parameter."""

SQLITE = re.compile(r"(?P<scheme>sqlite(?:\+pysqlite)?:///)(?P<file>[^?]+)(?P<rest>.*)", re.S)

_DRIVERS = {"postgresql": ("psycopg", "declnet[postgresql]"), "mysql": ("pymysql", "pymysql")}
"""The driver to prefer to SQLAlchemy's default one of a dialect, and how pip calls it."""

SECONDS_TO_WAIT = 60
"""Seconds to wait for another process that writes to an SQLite file."""

SECONDS_BETWEEN_ATTEMPTS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Pauses before another attempt, while another process makes the same tables on a server."""

MADE_BY_ANOTHER = frozenset({"23505", "42P07", "42710", 1050, 1061, 1062})
"""What PostgreSQL (SQLSTATE) and MySQL answer if a table, an index or a row is there already."""


def open_storage(url: str, password_env: str | None) -> "RDBStorage":
    """Connect to a database, and make the tables of studies if it has none.

    Raises:
        RunError: it cannot be reached; the message has no password.
    """
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    with explained(url, password_env, "cannot be opened"):
        try:
            return _opened(_complete(url, password_env))
        except NoSuchModuleError:
            name = url.partition(":")[0]
            raise RunError(f'storage: there is no SQLAlchemy dialect "{name}"') from None
        except ImportError:
            dialect = url.partition(":")[0].partition("+")[0]
            package = _DRIVERS.get(dialect, ("", "the driver"))[1]
            message = f"{shown(url)}: the database's driver is missing: pip install '{package}'"
            raise RunError(message) from None
        except (ArgumentError, ValueError):
            raise RunError("storage: the url is not valid") from None


def _opened(url: str) -> "RDBStorage":
    import optuna
    from sqlalchemy import NullPool, create_engine

    is_file = url.startswith("sqlite")
    options: dict[str, Any] = {"connect_args": {"timeout": SECONDS_TO_WAIT}} if is_file else {}
    unpooled = {**options, "poolclass": NullPool}  # a failed attempt leaves no connection open
    with create_engine(url, **unpooled).connect() as connection:
        is_complete = _is_complete(connection)
        if not is_complete and is_file:
            _make_tables(connection)
    if not is_complete and not is_file:
        _let_optuna_make_tables(url, unpooled)
    return optuna.storages.RDBStorage(
        url,
        engine_kwargs=options,
        skip_table_creation=True,
        skip_compatibility_check=not is_complete,
    )


def _is_complete(connection: "Connection") -> bool:
    """Return whether Optuna has made all tables: the version is what it writes last."""
    from sqlalchemy import inspect

    return inspect(connection).has_table("alembic_version") and bool(
        _rows(connection, "alembic_version")
    )


def _let_optuna_make_tables(url: str, options: dict[str, Any]) -> None:
    """Try again if another process has made a table since Optuna looked for it."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    for seconds in (*SECONDS_BETWEEN_ATTEMPTS, None):
        try:
            optuna.storages.RDBStorage(url, engine_kwargs=options).remove_session()
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            if seconds is None or not _codes(error) & MADE_BY_ANOTHER:
                raise
            time.sleep(seconds)
        else:
            return


def _codes(error: Exception) -> set[str | int]:
    """Return how a database's driver numbers an error."""
    origin = _origin(error)
    numbers = [argument for argument in origin.args[:1] if isinstance(argument, int)]
    return {*numbers, getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None) or ""}


def _make_tables(connection: "Connection") -> None:
    """Make Optuna's tables in an SQLite file, or those that are missing, in one transaction.

    Optuna commits each statement, and never makes an index whose table is there already: after a
    kill between the two, its file could not be used again.
    """
    connection.rollback()
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # one process makes them, others wait
    if not _is_complete(connection):
        _make_missing(connection)
    connection.commit()


def _make_missing(connection: "Connection") -> None:
    """Make the tables and indexes that are not there, and fill those that Optuna fills."""
    statements, rows = _new_database()
    present = _statements(connection)
    for name, statement in statements.items():
        if name not in present:
            connection.exec_driver_sql(statement)
    for table, (row,) in rows.items():
        if not _rows(connection, table):
            values = ", ".join("?" * len(row))
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({values})", row)  # noqa: S608


@cache
def _new_database() -> tuple[dict[str, str], dict[str, list[tuple[Any, ...]]]]:
    """Return the statements and the rows with which Optuna makes a database in memory."""
    import optuna

    storage = optuna.storages.RDBStorage("sqlite://", skip_compatibility_check=True)
    with storage.engine.connect() as connection:
        statements = _statements(connection)
        rows = {name: _rows(connection, name) for name in ("version_info", "alembic_version")}
    storage.remove_session()
    storage.engine.dispose()
    return statements, rows


def _statements(connection: "Connection") -> dict[str, str]:
    """Return what made each table and index of an SQLite file, by its name."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
    return {str(name): str(sql) for name, sql in connection.exec_driver_sql(query)}


def _rows(connection: "Connection", table: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")]  # noqa: S608


def _complete(url: str, password_env: str | None) -> str:
    """Return a URL with the driver and the password."""
    from sqlalchemy import make_url

    parsed = make_url(url)
    driver, _ = _DRIVERS.get(parsed.drivername, ("", ""))
    if driver and find_spec(driver) is not None:
        parsed = parsed.set(drivername=f"{parsed.drivername}+{driver}")
    if password_env is not None:
        password = os.environ.get(password_env)
        if password is None:
            raise RunError(f"storage: the environment variable {password_env} is not set")
        parsed = parsed.set(password=password)
    text: str = parsed.render_as_string(hide_password=False)
    return text


def shown(url: str) -> str:
    """Return how messages call a database: an SQLite file by its name."""
    match = SQLITE.fullmatch(url)
    return match["file"] if match is not None else url


@contextmanager
def explained(url: str, password_env: str | None, what: str) -> Iterator[None]:
    """Turn the database's errors into a RunError, without the password; silence Optuna's log."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        text = " ".join(str(_origin(error)).split())
        secret = os.environ.get(password_env or "")
        text = text.replace(secret, "***") if secret else text
        raise RunError(f"{shown(url)}: {what}: {text}") from None
    finally:
        optuna.logging.set_verbosity(verbosity)


def _origin(error: Exception) -> Exception:
    """Return what the database's driver raised, or else the error itself."""
    return getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error


def absolute(url: str, folder: Path) -> str:
    """Return a URL whose SQLite file is relative to a folder as one with an absolute path."""
    match = SQLITE.fullmatch(url)
    if match is None:
        return url
    return f"{match['scheme']}{(folder / match['file']).as_posix()}{match['rest']}"


def folder_of(value: Any, context: Mapping[str, Any] | None) -> Path | None:
    """Return the folder that relative paths in a value of a spec start from, if known."""
    folder = getattr(value, "folder", (context or {}).get("folder"))
    return Path(folder) if folder is not None else None
