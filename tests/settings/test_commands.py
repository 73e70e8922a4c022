"""The commands say and do the same whatever the environment, the role or the database sets."""

import re
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pytest_postgresql.executors import NoopExecutor

from duecourse.database import connect
from duecourse.errors import DuecourseError
from tests.conftest import clone
from tests.settings.sample import NAME, SCOPE, Rows, cli, ledger

HOSTILE = [
    {
        "client_encoding": "SQL_ASCII",
        "DateStyle": "German, DMY",
        "IntervalStyle": "iso_8601",
        "standard_conforming_strings": "off",
        "backslash_quote": "off",
        "bytea_output": "escape",
    },
    {
        "client_encoding": "LATIN1",
        "DateStyle": "SQL, DMY",
        "IntervalStyle": "postgres_verbose",
        "TimeZone": "Pacific/Kiritimati",
        "search_path": "",
        "plan_cache_mode": "force_generic_plan",
    },
    {
        "DateStyle": "Postgres, MDY",
        "IntervalStyle": "sql_standard",
        "quote_all_identifiers": "on",
        "array_nulls": "off",
        "client_min_messages": "error",
        "default_transaction_isolation": "serializable",
        "extra_float_digits": "-15",
        "row_security": "off",
        "transform_null_equals": "on",
        "xmloption": "document",
    },
]
#: Everything at once, of each what stands first.
ALL = {name: value for settings in reversed(HOSTILE) for name, value in settings.items()}
#: The settings that have an environment variable of their own.
VARIABLES = {"client_encoding": "PGCLIENTENCODING", "DateStyle": "PGDATESTYLE", "TimeZone": "PGTZ"}

Setter = Callable[[str, dict[str, str]], None]
Said = list[tuple[int, str]]


def by_environment(monkeypatch: pytest.MonkeyPatch) -> Setter:
    """Return what sets the environment of libpq."""

    def set_them(dsn: str, settings: dict[str, str]) -> None:
        options = []
        for name, value in settings.items():
            if variable := VARIABLES.get(name):
                monkeypatch.setenv(variable, value)
            options.append(f"-c {name}={value}".replace(", ", ",\\ "))
        monkeypatch.setenv("PGOPTIONS", " ".join(options))

    return set_them


def by_statement(target: str) -> Setter:
    """Return what makes the settings the database's, or those of its role."""

    def set_them(dsn: str, settings: dict[str, str]) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            info = connection.info
            of = sql.SQL(target).format(
                role=sql.Identifier(info.user), database=sql.Identifier(info.dbname)
            )
            for name, value in settings.items():
                connection.execute(
                    sql.SQL("ALTER {} SET {} = {}").format(of, sql.SQL(name), sql.Literal(value))
                )

    return set_them


@pytest.fixture(params=["environment", "role", "database"])
def setter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Setter:
    """Return each way to set something for every session."""
    if request.param == "environment":
        return by_environment(monkeypatch)
    if request.param == "role":
        return by_statement("ROLE {role} IN DATABASE {database}")
    return by_statement("DATABASE {database}")


def say(dsn: str) -> Said:
    """Return what the commands say of the sample books, before a run, of it and after it."""
    at = ("--dsn", dsn)
    as_json = ("--format", "json")
    planned = cli("plan", "backfill", *SCOPE, *at, "--rows", *as_json)
    plan_hash = planned[1].partition('"plan_hash": "')[2][:32]
    run = ("run", "backfill", *SCOPE, *at, "--expected-plan-hash", plan_hash, "--run-key", "key")
    # The first line of the status says which database it is of.
    found, standing = cli("status", *at)
    applied, done = cli("apply", *at)
    return [
        (found, standing.partition("\n")[2]),
        (applied, done.rpartition(": ")[2]),
        (planned[0], re.sub(r'"made_at": "[^"]*"', "", planned[1])),
        cli(*run),
        cli("verify", *SCOPE, *at),
        cli("cutover", SCOPE[1], *SCOPE[2:], *at, *as_json),
        cli("due-work", *SCOPE, *at),
        cli("coverage", *SCOPE, *at),
    ]


@pytest.fixture(scope="module")
def usual(sample_server: NoopExecutor) -> tuple[Said, Rows]:
    """Return what is said and what the ledger holds when nothing is set."""
    with clone(sample_server, "_usual") as dsn:
        return say(dsn), ledger(dsn)


def test_what_is_compared(usual: tuple[Said, Rows]) -> None:
    said, rows = usual
    assert [status for status, _ in said] == [0, 0, 0, 6, 3, 6, 0, 0]
    assert NAME in said[6][1]
    assert len(rows) > 100


@pytest.mark.parametrize("settings", HOSTILE, ids=lambda found: ", ".join(found.values()))
def test_settings_of_the_database(
    sample_dsn: str, usual: tuple[Said, Rows], settings: dict[str, str]
) -> None:
    by_statement("DATABASE {database}")(sample_dsn, settings)
    assert (say(sample_dsn), ledger(sample_dsn)) == usual


def test_all_settings_at_once(sample_dsn: str, usual: tuple[Said, Rows], setter: Setter) -> None:
    setter(sample_dsn, ALL)
    assert (say(sample_dsn), ledger(sample_dsn)) == usual


def test_an_installation_under_all_settings(empty_dsn: str, setter: Setter) -> None:
    setter(empty_dsn, ALL)
    assert cli("apply", "--dsn", empty_dsn)[0] == 0
    status, told = cli("apply", "--dsn", empty_dsn)
    assert (status, told.partition(": ")[2]) == (0, "nothing to apply\n")


def test_an_encoding_without_meaning_is_refused(
    empty_dsn: str, empty_database: psycopg.Connection
) -> None:
    name = f"{empty_database.info.dbname}_ascii"
    empty_database.execute(
        f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
    )
    try:
        with pytest.raises(DuecourseError) as raised:
            connect(make_conninfo(empty_dsn, dbname=name))
    finally:
        empty_database.execute(f"DROP DATABASE {name}")
    assert raised.value.message == (
        f"database {name} has the encoding SQL_ASCII: it does not know what its texts mean"
    )
    assert raised.value.hint == "make one with ENCODING 'UTF8' and restore this one's dump into it"
