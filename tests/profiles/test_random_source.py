"""A random source: what is planned and written in place is what a copy of it would have come to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor

from duecourse.book_files import find_files
from duecourse.books import import_books
from duecourse.config import Config
from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.conftest import Database, clone
from tests.profiles.comparison import RELATIONS, assert_same, difference
from tests.profiles.loading import fill_alga, sample
from tests.profiles.mutations import Drawn, befall, changes

MODES = ("backfill", "regenerate", "replenish")
#: All but when a row was written.
LEDGER = (
    "SELECT to_jsonb(r) - 'created_at' - 'updated_at' FROM billing.recurring_service_periods AS r"
    " WHERE tenant = %s"
)
PLAN = (
    "SELECT to_jsonb(p) - 'row_before' - 'row_after',"
    " to_jsonb(p.row_before) - 'created_at' - 'updated_at',"
    " to_jsonb(p.row_after) - 'created_at' - 'updated_at'"
    " FROM billing.plan_service_periods(%s, %s, %s) AS p"
)


@contextmanager
def database(server: NoopExecutor, name: str) -> Iterator[Database]:
    with clone(server, name) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def copy(source: Database, target: Database) -> None:
    """Copy the books of the tenant out of the tables of their system, and import them."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file in SAMPLE.glob("*.csv"):
            header = file.read_text(encoding="utf-8").splitlines()[0].split(",")
            query = sql.SQL(
                "COPY (SELECT {} FROM {} WHERE tenant = {}) TO STDOUT (FORMAT csv, HEADER)"
            ).format(
                sql.SQL(", ").join(map(sql.Identifier, header)),
                sql.Identifier(file.stem.partition("_")[2]),
                sql.Literal(TENANT),
            )
            with source.cursor().copy(query) as lines:
                (folder / file.name).write_bytes(b"".join(map(bytes, lines)))
        files, _ = find_files(target, Config(), folder)
        import_books(target, Config(), files, rejects=folder / "rejects.csv")


def run(database: Database, mode: str, key: str, accept: str | None) -> Any:
    return database.execute(
        f"CALL billing.{mode}_service_periods(%s, %s, p_run_key => %s, p_accept_escalations => %s)",
        (TENANT, AS_OF, key, accept),
    ).fetchone()


def plan_hash(database: Database, mode: str) -> str:
    row = database.execute(
        "SELECT plan_hash FROM billing.plan_summary(%s, %s, %s)", (TENANT, AS_OF, mode)
    ).fetchone()
    assert row is not None
    return str(row[0])


def assert_same_plan(native: Database, adopted: Database, mode: str) -> str:
    """Assert that the plans are the same row by row; return their hash."""
    assert_same(native, adopted, PLAN, (TENANT, AS_OF, mode))
    hashes = {plan_hash(database, mode) for database in (native, adopted)}
    assert len(hashes) == 1
    return hashes.pop()


@settings(
    max_examples=6,
    deadline=None,
    # An example takes a second: to look for a smaller one would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    before=st.lists(changes, min_size=3, max_size=25),
    mode=st.sampled_from(MODES),
)
def test_in_place_and_as_a_copy(
    adopted_alga_server: NoopExecutor,
    applied_server: NoopExecutor,
    before: list[Drawn],
    mode: str,
) -> None:
    """The ledgers agree from the first look to the last run, escalations accepted."""
    with (
        database(adopted_alga_server, "_random") as adopted,
        database(applied_server, "_random") as native,
    ):
        fill_alga(adopted, "public", sample())
        befall(adopted, TENANT, before)
        copy(adopted, native)
        adopted.execute("CALL billing.judge_ledger(%s)", (TENANT,))
        for relation in RELATIONS:
            query = f"SELECT * FROM billing.{relation} WHERE tenant = %s"
            assert difference(native, adopted, query, (TENANT,)) == ([], []), relation
        assert_same_plan(native, adopted, mode)
        for key, is_accepted in (("first", False), ("accepted", True), ("third", False)):
            accept = assert_same_plan(native, adopted, mode) if is_accepted else None
            ends = [run(each, mode, key, accept) for each in (native, adopted)]
            assert ends[0] == ends[1], key
            assert difference(native, adopted, LEDGER, (TENANT,)) == ([], []), key
