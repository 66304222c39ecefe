"""Tables that a database query returns."""

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import (
    ConfigDict,
    Field,
    SerializationInfo,
    ValidationInfo,
    field_serializer,
    field_validator,
)

from declnet import DataError, Diagnostic, RunContext, TableSource
from declnet_plugins.standard.data.text_file import EXAMPLE

if TYPE_CHECKING:
    from sqlalchemy import URL, CursorResult, Engine

ROWS = 1 << 16
"""Rows that are Python objects at a time."""

_URL = re.compile(r"[A-Za-z][\w+]*://")
_PASSWORD = re.compile(r"://[^:/@]*:[^@]*@|[?&][^=&]*(?:passw|pwd)[^=&]*=|pwd(?:=|%3d)", re.I)
"""A password in the place for it, or in a parameter."""
_SQLITE = re.compile(r"(?P<scheme>sqlite(?:\+pysqlite)?:///)(?P<file>[^?]*)(?P<rest>.*)", re.S)

_SQLITE_FILE = b"SQLite format 3\0"
"""How an SQLite file begins."""

_DIALECTS = ("sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql", "duckdb")

_DRIVERS = {
    "postgresql": ("psycopg", "psycopg2"),
    "mysql": ("pymysql", "MySQLdb"),
    "mariadb": ("pymysql", "MySQLdb"),
}
"""The driver to prefer to SQLAlchemy's default one of a dialect, and that one."""

_PACKAGES = {"psycopg": "declnet[postgresql]", "MySQLdb": "mysqlclient"}
"""How pip calls a driver, if not as its module."""

_NO_CODE = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\$(\w*)\$.*?\$\1\$", re.S
)
"""Comments, strings and quoted names."""


class SQL(TableSource):
    """A table that a query of a database returns.

    Any database works for which SQLAlchemy has a dialect: SQLite with the extra `sql`, PostgreSQL
    with the extra `postgresql`, others with their driver. The query is a single SELECT, which may
    begin with WITH. SQLite files are opened read-only, and PostgreSQL's transactions are read-only;
    with other databases, the transaction is rolled back. Times with a time zone become UTC.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # which might contain a password

    type = "sql"
    examples = (
        {
            "url": "sqlite:///shop.db",
            "query": "SELECT size, city, price FROM houses",
            "target": "price",
        },
        {
            "url": "postgresql://reader@db.example.org/shop",
            "password_env": "DECLNET_SHOP_PASSWORD",
            "query": "SELECT size, city, price FROM houses ORDER BY id",
            "target": "price",
        },
    )

    url: str = Field(
        description="the database, as in sqlite:///shop.db or postgresql://user@host/name; "
        "without a password"
    )
    query: str = Field(description="a SELECT; with ORDER BY, each run has the rows in one order")
    password_env: str | None = Field(
        default=None,
        pattern=r"^DECLNET_\w+$",
        description="the environment variable that has the password; its name begins with "
        "DECLNET_, since a spec must not read others",
    )

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Write an SQLite database."""
        import sqlalchemy  # noqa: F401

        path, rows = folder / "flowers.db", [*zip(*EXAMPLE.values(), strict=True)]
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE flowers (length REAL, color TEXT, kind TEXT)")
            database.executemany("INSERT INTO flowers VALUES (?, ?, ?)", rows)
        query = "SELECT * FROM flowers ORDER BY rowid"
        return {"url": f"sqlite:///{path.as_posix()}", "query": query, "target": "kind"}

    @classmethod
    def hint_for_file(cls, path: Path) -> str | None:
        """Return how to name a table of an SQLite file."""
        tables = _tables_in(path)
        if not tables:
            return None if tables is None else "the database has no table"
        table = tables[0] if tables[0].isidentifier() else f"[{tables[0]}]"
        query = f"SELECT * FROM {table}"  # noqa: S608  # shown, not run
        others = f"; its tables: {', '.join(tables)}" if len(tables) > 1 else ""
        url = f"sqlite:///{path.as_posix()}"
        return f'name a table: \'{{ type = "sql", url = "{url}", query = "{query}" }}\'{others}'

    @field_validator("url", mode="before")
    @classmethod
    def _with_absolute_path(cls, url: Any, info: ValidationInfo) -> Any:
        """Make the path of an SQLite file absolute, as other paths are."""
        folder = getattr(url, "folder", (info.context or {}).get("folder"))
        match = _SQLITE.fullmatch(url) if isinstance(url, str) else None
        if match is None or not match["file"] or folder is None:
            return url
        return f"{match['scheme']}{(Path(folder) / match['file']).as_posix()}{match['rest']}"

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        if _PASSWORD.search(url):
            raise ValueError(
                "the url contains a password: name in password_env an environment variable "
                "that has it"
            )
        if _URL.match(url) is None:
            raise ValueError("the url must begin with a dialect, as in sqlite:///shop.db")
        match = _SQLITE.fullmatch(url)
        if url.startswith("sqlite") and (match is None or not match["file"].strip("/")):
            raise ValueError("the url must name an SQLite file, as in sqlite:///shop.db")
        return url

    @field_serializer("url")
    def _relative(self, url: str, info: SerializationInfo) -> str:
        """Return the URL, with a path relative to the folder of the context if there is one."""
        folder, match = (info.context or {}).get("folder"), _SQLITE.fullmatch(url)
        if folder is None or match is None:
            return url
        try:
            path = Path(os.path.relpath(match["file"], folder)).as_posix()
        except ValueError:  # another drive
            return url
        return f"{match['scheme']}{path}{match['rest']}"

    @field_validator("query")
    @classmethod
    def _is_one_select(cls, query: str) -> str:
        code = _NO_CODE.sub(" ", query).strip().rstrip(";")
        first = re.match(r"[\s(]*(\w*)", code)
        if first is None or first[1].lower() not in ("select", "with", "values", "table"):
            raise ValueError("the query must be a SELECT")
        if ";" in code:
            raise ValueError("the query must be a single statement")
        return query

    def check(self, context: RunContext) -> Iterable[Diagnostic]:
        """Warn of rows whose order may differ from run to run."""
        ordered = re.search(r"\border\s+by\b", _NO_CODE.sub(" ", self.query), re.I)
        if ordered is None and not self.url.startswith("sqlite"):
            yield Diagnostic(
                "the query has no ORDER BY, so splits and batches may differ from run to run",
                "order the rows by a unique column",
                ("query",),
                "W060",
            )

    def column_names(self) -> list[str]:
        """Ask only for the names of the columns."""
        with self._result(1) as result:
            return self._names(result)

    def read(self) -> Iterator[dict[str, Sequence[Any]]]:
        """Yield the rows that the query returns."""
        with self._result(ROWS) as result:
            names = self._names(result)
            for part in result.partitions(ROWS):
                columns = zip(*part, strict=True)
                yield {name: _plain(values) for name, values in zip(names, columns, strict=True)}

    def _names(self, result: "CursorResult[Any]") -> list[str]:
        names = list(result.keys())
        if not names:
            raise DataError("the query returns no columns", path=("query",))
        for position, name in enumerate(names):
            if name in names[:position]:
                raise DataError(
                    f'the query returns two columns called "{name}"',
                    hint="rename one with AS",
                    path=("query",),
                )
        self.require_columns(names)
        return names

    @contextmanager
    def _result(self, rows: int) -> "Iterator[CursorResult[Any]]":
        """Yield the result of the query, of which `rows` rows are in memory at a time."""
        engine = self._engine()
        from sqlalchemy.exc import SQLAlchemyError

        options: dict[str, Any] = {"stream_results": True, "yield_per": rows}
        if engine.dialect.name == "postgresql":
            options["postgresql_readonly"] = True
        query = self.query.strip().rstrip(";")
        if engine.dialect.paramstyle in ("format", "pyformat"):
            query = query.replace("%", "%%")
        key = "url"
        try:
            with engine.connect().execution_options(**options) as connection:
                key = "query"
                with connection.exec_driver_sql(query) as result:
                    yield result
        except SQLAlchemyError as error:
            what = "cannot connect" if key == "url" else "the query fails"
            raise DataError(
                f"{self._shown(engine.url)}: {what}: {self._cause(error)}", path=(key,)
            ) from None

    def _engine(self) -> "Engine":
        try:
            import sqlalchemy
            from sqlalchemy.exc import ArgumentError, NoSuchModuleError
        except ImportError:
            raise DataError(
                "the data source sql needs SQLAlchemy",
                hint='pip install "declnet[sql]"',
                path=("type",),
            ) from None
        try:
            url = self._complete(sqlalchemy.make_url(self.url))
            return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        except NoSuchModuleError:
            name = self.url.partition(":")[0]
            close = get_close_matches(name.partition("+")[0], _DIALECTS)
            hint = f'did you mean "{close[0]}"?' if close else "is its package installed?"
            message = f'there is no SQLAlchemy dialect "{name}"'
            raise DataError(message, hint=hint, path=("url",)) from None
        except ImportError as error:
            package = _PACKAGES.get(error.name or "", error.name)
            raise DataError(
                f"the database's driver is missing: no module {error.name}",
                hint=f'pip install "{package}"',
                path=("url",),
            ) from None
        except (ArgumentError, ValueError):
            raise DataError("the url is not valid", path=("url",)) from None

    def _complete(self, url: "URL") -> "URL":
        """Return the URL with the password, the driver and the mode to open a file in."""
        match = _SQLITE.fullmatch(self.url)
        if match is not None:
            path = Path(match["file"])
            if not path.is_file():
                what = "not a file" if path.exists() else "there is no such file"
                raise DataError(f"{path}: {what}", path=("url",))
            only = {"mode": "ro", "uri": "true"}
            return url.set(database=path.absolute().as_uri()).update_query_dict(only)
        if url.drivername in _DRIVERS:
            driver, other = _DRIVERS[url.drivername]
            if find_spec(driver) is not None or find_spec(other) is None:
                url = url.set(drivername=f"{url.drivername}+{driver}")
        if self.password_env is None:
            return url
        password = os.environ.get(self.password_env)
        if password is None:
            raise DataError(
                f"the environment variable {self.password_env} is not set", path=("password_env",)
            )
        return url.set(password=password)

    def _shown(self, url: "URL") -> str:
        match = _SQLITE.fullmatch(self.url)
        return url.render_as_string(hide_password=True) if match is None else match["file"]

    def _cause(self, error: Any) -> str:
        """Return the database's own message, on one line and without the password."""
        text = " ".join(str(getattr(error, "orig", None) or error).split())
        secret = os.environ.get(self.password_env or "")
        return text.replace(secret, "***") if secret else text


def _tables_in(path: Path) -> list[str] | None:
    """Return the names of the tables and views in an SQLite file; None if it is not one."""
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
    try:
        with path.open("rb") as file:
            if file.read(len(_SQLITE_FILE)) != _SQLITE_FILE:
                return None
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            names = [name for (name,) in database.execute(query)]
    except (OSError, sqlite3.Error):
        return None
    return [name for name in names if not name.startswith("sqlite_")]


def _plain(values: Sequence[Any]) -> Sequence[Any]:
    """Return values of a column as `as_table` takes them: times in UTC, UUIDs as text."""
    kinds = set(map(type, values))
    if datetime in kinds:
        return [_in_utc(value) if isinstance(value, datetime) else value for value in values]
    if UUID in kinds:
        return [str(value) if isinstance(value, UUID) else value for value in values]
    return values


def _in_utc(time: datetime) -> datetime:
    return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)
