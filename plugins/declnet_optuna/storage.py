"""The database of a study: its URL, the password from the environment, and errors without it."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from declnet import RunError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

PASSWORD = re.compile(r"://[^:/@]*:[^@]*@|[?&][^=&]*(?:passw|pwd)[^=&]*=", re.I)
"""A password in a URL: in the place for it, or in a parameter."""

SQLITE = re.compile(r"(?P<scheme>sqlite(?:\+pysqlite)?:///)(?P<file>[^?]+)(?P<rest>.*)", re.S)

_DRIVERS = {"postgresql": ("psycopg", "declnet[postgresql]"), "mysql": ("pymysql", "pymysql")}
"""The driver to prefer to SQLAlchemy's default one of a dialect, and how pip calls it."""

SECONDS_TO_WAIT = 60
"""Seconds to wait for another process that writes to an SQLite file."""


def open_storage(url: str, password_env: str | None) -> "RDBStorage":
    """Connect to a database, and make the tables of studies if it has none.

    Raises:
        RunError: it cannot be reached; the message has no password.
    """
    import optuna
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    options: dict[str, Any] = {}
    if url.startswith("sqlite"):
        options = {"connect_args": {"timeout": SECONDS_TO_WAIT}}
    with explained(url, password_env, "cannot be opened"):
        try:
            complete = _complete(url, password_env)
            return optuna.storages.RDBStorage(complete, engine_kwargs=options)
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


def _complete(url: str, password_env: str | None) -> str:
    """Return a URL with the driver and the password."""
    from sqlalchemy import make_url

    made = make_url(url)
    driver, _ = _DRIVERS.get(made.drivername, ("", ""))
    if driver and find_spec(driver) is not None:
        made = made.set(drivername=f"{made.drivername}+{driver}")
    if password_env is not None:
        password = os.environ.get(password_env)
        if password is None:
            raise RunError(f"storage: the environment variable {password_env} is not set")
        made = made.set(password=password)
    text: str = made.render_as_string(hide_password=False)
    return text


def shown(url: str) -> str:
    """Return how messages call a database: an SQLite file by its name."""
    found = SQLITE.fullmatch(url)
    return found["file"] if found is not None else url


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
        origin = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error
        text = " ".join(str(origin).split())
        secret = os.environ.get(password_env or "")
        text = text.replace(secret, "***") if secret else text
        raise RunError(f"{shown(url)}: {what}: {text}") from None
    finally:
        optuna.logging.set_verbosity(verbosity)


def absolute(url: str, folder: Path) -> str:
    """Return a URL whose SQLite file is relative to a folder as one with an absolute path."""
    found = SQLITE.fullmatch(url)
    if found is None:
        return url
    return f"{found['scheme']}{(folder / found['file']).as_posix()}{found['rest']}"


def folder_of(value: Any, context: Mapping[str, Any] | None) -> Path | None:
    """Return the folder that relative paths in a value of a spec start from, if known."""
    folder = getattr(value, "folder", (context or {}).get("folder"))
    return Path(folder) if folder is not None else None
