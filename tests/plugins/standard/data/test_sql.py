"""Tables from SQLite and from a PostgreSQL server of the tests."""

from __future__ import annotations

import os
import sqlite3
import tomllib
from contextlib import closing
from importlib.util import find_spec

import numpy as np
import pytest

import declnet
from declnet import DataError, RunContext, SpecError
from declnet_plugins.standard.data.sql import SQL

from ....postgresql import PASSWORD, running_server

RNG = np.random.default_rng(0)
ENV = "DECLNET_TEST_SECRET"
HOUSES = [(at, at * 1.5, None if at % 3 == 0 else "Ülm", 100 + at, b"\0") for at in range(30)]


def columns(table):
    return {name: column.tolist() for name, column in table.columns.items()}


@pytest.fixture
def shop(tmp_path):
    """Return a function from queries to sources of an SQLite file, whose name a URL must escape."""
    pytest.importorskip("sqlalchemy")
    path = tmp_path / "my shop%?#.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE houses (id, size, city TEXT, price, plan BLOB)")
        database.executemany("INSERT INTO houses VALUES (?, ?, ?, ?, ?)", HOUSES)
        database.execute("CREATE TABLE mixed (x)")
        database.executemany("INSERT INTO mixed VALUES (?)", [(1,), (2.5,), ("a",)])
        database.execute("CREATE TABLE damaged AS SELECT CAST(x'ff' AS TEXT) AS x")
        database.commit()
    path = path.rename(tmp_path / "my shop%#.db")

    def ask(query, **fields):
        return SQL(**{"url": f"sqlite:///{path}", "query": query, **fields})

    return ask


def test_columns_have_the_types_of_their_values(shop):
    source = shop("SELECT * FROM houses WHERE city IS NULL OR city LIKE 'Ü%' -- ;", target="price")
    assert source.describe() is None
    with pytest.raises(DataError, match=r"row 1, column \"plan\" is b'\\x00'.*naming the features"):
        source.load(RNG)
    table = source.model_copy(update={"features": ("id", "size", "city")}).load(RNG)
    ids, sizes, cities, prices, _ = map(list, zip(*HOUSES, strict=True))
    assert columns(table) == {"id": ids, "size": sizes, "city": cities, "price": prices}
    assert (table.target, table.features) == ("price", ("id", "size", "city"))


def test_chunks_make_up_the_whole(shop):
    source = shop("SELECT id, size, city, price FROM houses;").with_columns(["id", "city"])
    parts = list(source.chunks(RNG, 7))
    assert [len(part) for part in parts] == [7, 7, 7, 7, 2]
    assert [row for part in parts for row in part.rows] == list(range(1, 31))
    whole = columns(source.load(RNG))
    for name, values in whole.items():
        assert [value for part in parts for value in columns(part)[name]] == values
    assert whole.keys() == {"id", "city"}


@pytest.mark.skipif(find_spec("MySQLdb") is not None, reason="the driver is installed")
def test_a_missing_driver_is_named(shop):
    with pytest.raises(DataError, match="driver is missing: no module MySQLdb") as caught:
        shop(url="mariadb+mysqldb://host/shop", query="SELECT 1 AS x").load(RNG)
    assert caught.value.hint == 'pip install "mysqlclient"'


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"query": "/* SELECT */ DROP TABLE houses"}, "the query must be a SELECT"),
        ({"query": ""}, "the query must be a SELECT"),
        ({"query": "SELECT 1; DROP TABLE houses"}, "the query must be a single statement"),
        ({"query": "WITH a AS (SELECT 1) DELETE FROM houses"}, "fails: .*readonly database"),
        ({"query": "SELECT id, size AS id FROM houses"}, 'two columns called "id"'),
        ({"query": "SELECT id FROM houses WHERE id < 0"}, "has no rows"),
        ({"query": "SELECT x FROM mixed"}, "row 3, column \"x\" is 'a': a column holds either"),
        ({"query": "SELECT x FROM damaged"}, "fails: Could not decode to UTF-8"),
        (
            {"url": f"sqlite:///{__file__}", "query": "SELECT x FROM y"},
            "fails: file is not a database",
        ),
        ({"url": "sqlite://"}, "must name an SQLite file"),
        ({"url": "shop.db"}, "must begin with a dialect"),
        ({"url": "postgresql://h/db", "password_env": "HOME"}, "pattern '.DECLNET_"),
        ({"url": "postgresql://u@h/db?sslpassword=word"}, "contains a password"),
        ({"url": "mssql+pyodbc:///?odbc_connect=UID%3Du%3BPWD%3Dword"}, "contains a password"),
        (
            {"url": "postgresql://h/db", "password_env": "DECLNET_NO"},
            "variable DECLNET_NO is not set",
        ),
    ],
)
def test_errors_say_what_is_wrong(shop, fields, message):
    with pytest.raises((DataError, ValueError), match=message) as caught:
        shop(**{"query": "SELECT 1 AS x", **fields}).load(RNG)
    assert "word@" not in str(caught.value)
    assert "=word" not in str(caught.value)


def test_the_path_of_a_file_is_relative_to_the_spec(shop, spec_file, document, tmp_path):
    source = shop("SELECT 1")
    document["data"] = {
        "train": {"type": "sql", "url": "sqlite:///my shop%#.db", "query": "SELECT 1"}
    }
    train = declnet.load_spec(spec_file(document)).data.train
    assert train.url == source.url
    (tmp_path / "a").mkdir()
    dumped = train.model_dump(mode="json", context={"folder": tmp_path / "a"})
    assert dumped["url"] == "sqlite:///../my shop%#.db"
    assert train.model_dump(mode="json")["url"] == source.url


@pytest.fixture(scope="module")
def server():
    with running_server() as server:
        server.execute(
            "CREATE TABLE houses (id int, size numeric(8, 2), city text, sold boolean, at"
            " timestamptz, day date, price double precision, key uuid, tags int[])",
            "INSERT INTO houses SELECT n, n * 1.25, 'c:' || n % 3 || '%', n % 2 = 0,"
            " '2024-01-31 23:30+01'::timestamptz + n * interval '1 day', '2024-02-01'::date + n,"
            " CASE WHEN n = 3 THEN NULL ELSE 100 + n END,"
            " '123e4567-e89b-12d3-a456-426614174000', ARRAY[n] FROM generate_series(0, 99) n",
        )
        yield server


def test_postgresql_is_read(server, monkeypatch):
    monkeypatch.setenv(ENV, PASSWORD)
    names = "id, size, city, sold, at, day, price, key"
    query = f"SELECT {names} FROM houses WHERE city LIKE 'c%' ORDER BY id"
    source = SQL(url=server.url, password_env=ENV, query=query, target="price")
    assert source.describe() is None
    table = source.load(RNG)
    assert {name: column[1] for name, column in table.columns.items()} == {
        "id": 1,
        "size": 1.25,
        "city": "c:1%",
        "sold": False,
        "at": "2024-02-01T22:30:00",
        "day": "2024-02-02",
        "price": 101.0,
        "key": "123e4567-e89b-12d3-a456-426614174000",
    }
    assert np.flatnonzero(np.isnan(table.columns["price"])).tolist() == [3]
    parts = [columns(chunk) for chunk in source.chunks(RNG, 33)]
    assert [part["id"] for part in parts] == [
        list(range(start, min(100, start + 33))) for start in range(0, 100, 33)
    ]
    with pytest.raises(DataError, match=r'row 1, column "tags" is \[0\]'):
        SQL(url=server.url, password_env=ENV, query="SELECT * FROM houses").load(RNG)
    with pytest.raises(DataError, match="the query returns no columns"):
        SQL(url=server.url, password_env=ENV, query="SELECT FROM houses").load(RNG)


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM houses RETURNING id) SELECT id FROM gone",
        "SELECT id INTO other FROM houses",
        "SELECT nextval('numbers')",
        r"SELECT E'\'' AS x; COMMIT; DROP TABLE houses --'",
        r"SELECT E'\'' AS x; SET TRANSACTION READ WRITE; DROP TABLE houses --'",
    ],
)
def test_postgresql_is_not_written(server, query, monkeypatch):
    monkeypatch.setenv(ENV, PASSWORD)
    server.execute("CREATE SEQUENCE IF NOT EXISTS numbers")
    with pytest.raises(DataError, match=r"the query fails: "):
        SQL(url=server.url, password_env=ENV, query=query).load(RNG)
    count = SQL(url=server.url, password_env=ENV, query="SELECT count(*) AS n FROM houses")
    assert columns(count.load(RNG)) == {"n": [100]}


def test_a_password_is_in_no_message_and_no_file(server, monkeypatch, document, tmp_path):
    """The refused connection uses another password, which contains the real one."""
    query = "SELECT id, size, sold FROM houses"
    train = {
        "type": "sql",
        "url": server.url,
        "password_env": ENV,
        "query": query,
        "target": "sold",
    }
    document["data"] = {"train": train}
    document["model"]["layers"][2]["units"] = 2
    monkeypatch.setenv(ENV, "wrong" + PASSWORD)
    with pytest.raises(
        SpecError, match=r"cannot connect: .*password authentication failed"
    ) as caught:
        declnet.run(declnet.parse_spec(document))
    assert PASSWORD not in str(caught.value)
    monkeypatch.setenv(ENV, PASSWORD)
    declnet.run(declnet.parse_spec(document), out=tmp_path / "run")
    contents = [path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert contents
    assert not any(PASSWORD.encode() in content for content in contents)
    stored = tomllib.loads((tmp_path / "run" / "spec.toml").read_text("utf-8"))
    assert stored["data"]["train"]["url"] == server.url
    os.environ.pop(ENV)
    assert declnet.open_run(tmp_path / "run").predictor().predict({"id": [1], "size": [2.0]})


def test_an_unspecified_order_causes_a_warning():
    source = SQL(url="postgresql://host/db", query="SELECT a FROM b -- order by a")
    assert [diagnostic.code for diagnostic in source.check(RunContext())] == ["W060"]
    ordered = SQL(url="postgresql://host/db", query="SELECT a FROM b ORDER\n BY a")
    assert not [*ordered.check(RunContext())]


def test_a_database_file_says_how_to_name_a_table(tmp_path):
    path, registry = tmp_path / "shop.db", declnet.default_registry()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE houses (id)")
        database.execute("CREATE TABLE [all visits] (id)")
    with pytest.raises(DataError) as raised:
        declnet.DataArgument(path, registry).source  # noqa: B018
    declared = raised.value.hint.split("'")[1]
    assert tomllib.loads(f"data = {declared}")["data"] == {
        "type": "sql",
        "url": f"sqlite:///{path}",
        "query": "SELECT * FROM [all visits]",
    }
    assert raised.value.hint.endswith("its tables: all visits, houses")
    path.write_text("not a database")
    with pytest.raises(DataError, match="its name must end in"):
        declnet.DataArgument(path, registry).source  # noqa: B018
