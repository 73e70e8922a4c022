"""The guards of a cluster: on plain PostgreSQL they refuse and let pass what the others do."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from uuid import UUID

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor

from duecourse import script
from duecourse.beside import FILES, rewrite
from duecourse.database import connect
from duecourse.errors import DuecourseError
from duecourse.objects import object_paths
from duecourse.render import render
from duecourse.sample_books import SAMPLES
from tests.concurrency.sessions import LEVELS, Session, outcome
from tests.concurrency.test_ledger import ATTACKS, Attack, guarded_rows, overlapping
from tests.conftest import Database, clone
from tests.engine.calls import (
    change_periods,
    import_folder,
    move_charges,
    take_events,
)
from tests.engine.citus import CITUS, constraint, put_guards, put_guards_on_shards
from tests.engine.reading import FILLED, TABLE, code_of
from tests.engine.shards import steady
from tests.period_guards.scene import Scene
from tests.period_guards.test_guards import RULES
from tests.service_periods.books import APRIL, LEDGER, Books

DAYS = "recurring_service_periods_live_overlap_excl"
SLOT = "recurring_service_periods_live_slot_excl"
_TABLES = """
    SELECT c.oid::regclass::text
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant'
    WHERE c.relnamespace::regnamespace::text IN ('billing', 'ledger', 'ops')
        AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        -- What the scenario itself writes, with numbers that it counts up.
        AND c.oid NOT IN ('billing.tenants'::regclass, 'ledger.stripe_events'::regclass)
    ORDER BY 1
"""
#: Those to which triggers write, or which they ask.
TABLES_OF_TRIGGERS = {
    "ops.tenant_locks",
    LEDGER,
    "ledger.accounts",
    "ledger.charges",
    "ledger.payments",
    "ledger.payment_movements",
    "ledger.units",
}
#: Of a tenant, in the ids that the tests give.
_NUMBER = re.compile(r"00000000-(?!0000-0000)([0-9a-f]{4})-([0-9a-f]{4})")
MAY = date(2025, 5, 1)
#: What constraints refuse in their own words, and which does.
OF_CONSTRAINTS = {
    "an insert overlaps": ("23P01", DAYS),
    "an insert covers a day of an activity window": ("23P01", DAYS),
    "an insert shares a slot": ("23P01", SLOT),
    "a row leaves quarantine too early": ("23P01", DAYS),
}


@pytest.fixture(scope="module")
def worlds(applied_server: NoopExecutor) -> Iterator[list[Database]]:
    """Yield databases with the guards of plain PostgreSQL, of a cluster, and on its shards."""
    with ExitStack() as stack:
        databases = [
            stack.enter_context(
                psycopg.connect(stack.enter_context(clone(applied_server, name)), autocommit=True)
            )
            for name in ("_plain", "_citus", "_shards")
        ]
        put_guards(databases[1])
        put_guards_on_shards(databases[2])
        yield databases


@pytest.fixture
def scene(worlds: list[Database]) -> Iterator[Scene]:
    """Yield a small ledger with a row of each kind; nothing is ever committed."""
    with worlds[1].transaction(force_rollback=True):
        yield Scene(worlds[1])


def test_a_broken_rule_is_refused(scene: Scene) -> None:
    for name, rule in RULES.items():
        code, constraint = OF_CONSTRAINTS.get(name, (rule.sqlstate, None))
        with scene.refused(code) as raised:
            rule.break_it(scene)
        diagnosis = raised.value.diag
        if constraint:
            assert diagnosis.constraint_name == constraint, name
        else:
            assert (diagnosis.message_hint or "") == rule.hint, name


def test_a_row_leaves_quarantine_when_its_days_are_free(scene: Scene) -> None:
    record = scene.period(APRIL, MAY, quarantine_reason="overlap")
    scene.update(record, quarantine_reason=None)
    with scene.refused("23P01"):
        scene.period(date(2025, 4, 30), date(2025, 5, 30))


@pytest.fixture
def books(worlds: list[Database]) -> Books:
    """Return a tenant's books under the guards of a cluster."""
    return Books(worlds[1])


@pytest.fixture
def pair(worlds: list[Database]) -> Iterator[list[Session]]:
    """Yield two sessions beside that of the books."""
    sessions = [Session(worlds[1].info.dsn) for _ in range(2)]
    yield sessions
    for session in sessions:
        session.close()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_the_second_waits_and_loses(
    books: Books, pair: list[Session], attack: Attack, level: str
) -> None:
    first, second = pair
    statements = attack(books, books.line())
    for session in pair:
        session.begin(level)
    first.execute(statements[0])
    attempt = second.start(statements[1])
    second.wait_until_blocked_by(first, books.database)
    first.execute("COMMIT")
    assert outcome(attempt) == "23P01"
    second.execute("ROLLBACK")
    assert guarded_rows(books) == 1


def test_the_second_wins_if_the_first_gives_up(books: Books, pair: list[Session]) -> None:
    first, second = pair
    statements = overlapping(books, books.line())
    for session in pair:
        session.begin("SERIALIZABLE")
    first.execute(statements[0])
    attempt = second.start(statements[1])
    second.wait_until_blocked_by(first, books.database)
    first.execute("ROLLBACK")
    assert outcome(attempt) == "00000"
    second.execute("COMMIT")
    assert guarded_rows(books) == 1


@pytest.mark.parametrize("level", LEVELS)
def test_without_the_constraint_both_come_in(books: Books, pair: list[Session], level: str) -> None:
    """So that it is the constraint that the sessions above meet in."""
    first, second = pair
    statements = overlapping(books, books.line())
    books.database.execute(f"ALTER TABLE {LEDGER} DROP CONSTRAINT {DAYS}".encode())
    try:
        first.begin(level)
        first.execute(statements[0])
        first.execute("COMMIT")
        second.begin(level)
        second.execute(statements[1])
        assert guarded_rows(books) == 1
        second.execute("ROLLBACK")
    finally:
        text = constraint(books.database, "sql/applying/live_overlap_excl.sql.j2")
        script.run(books.database, text)


def test_the_writers_write_the_same_rows(worlds: list[Database]) -> None:
    """Runs and edits of periods, charges, payments and events of Stripe, under all guards."""
    plain, *others = (rows_written(database) for database in worlds)
    for other in others:
        for table in {*plain, *other}:
            assert other.get(table) == plain.get(table), table
    assert set(plain) >= TABLES_OF_TRIGGERS


def rows_written(database: Database) -> dict[str, list[str]]:
    """Let the writers write for new tenants, and return the rows of each table that has some."""
    first = Books(database)
    change_periods(database)
    move_charges(database)
    take_events(database)
    with connect(database.info.dsn) as connection:
        for folder in SAMPLES.values():
            import_folder(connection, folder)
    written = {}
    for (table,) in database.execute(_TABLES):
        rows = database.execute(
            f"SELECT to_jsonb(t) - 'ledger_writes' FROM {table} AS t WHERE t.tenant > %s".encode(),
            [first.tenant],
        )
        written[table] = sorted(
            _NUMBER.sub(lambda found: f"{int(found[1] + found[2], 16) - first.number}", steady(row))
            for row in rows
        )
    return {table: rows for table, rows in written.items() if rows}


def test_a_trigger_asks_for_the_shard_beside_the_row(worlds: list[Database]) -> None:
    _, citus, shards = worlds
    for database, expected in ((citus, r"ledger\.charges"), (shards, r"ledger\.charges_[01]_of_2")):
        with database.transaction():
            for setting, name in (("off", r"ledger\.charges"), ("on", expected)):
                database.execute(f"SET LOCAL duecourse.beside_rows = {setting}".encode())
                [(found,)] = database.execute(
                    "SELECT ops.table_beside('ledger.charges', %s)", [UUID(int=1)]
                )
                assert re.fullmatch(name, found), (setting, found)


def test_every_trigger_that_asks_tables_is_made_so() -> None:
    of_triggers = {
        path
        for path in object_paths()
        if "RETURNS trigger" in (text := render(path, CITUS)) and TABLE.search(code_of(text))
    }
    # It runs while tables are moved into partitions, which a cluster has none of.
    assert {path for path in of_triggers if not FILES.match(path)} == {
        "sql/ops/guard_moving.sql.j2"
    }


@pytest.mark.parametrize("path", [path for path in object_paths() if FILES.match(path)])
def test_a_routine_of_a_trigger_names_no_table(path: str) -> None:
    """But in statements that are put together with the names of shards."""
    text = render(path, CITUS)
    bodies = "\n".join(re.findall(r"^AS \$\$\n(.*?)^\$\$;", text, re.DOTALL | re.MULTILINE))
    static = re.sub(r"\$beside\$.*?\$beside\$", "''", bodies, flags=re.DOTALL)
    assert TABLE.findall(code_of(static)) == FILLED.findall(code_of(static)) == []
    dynamic = code_of(" ".join(re.findall(r"\$beside\$(.*?)\$beside\$", bodies, re.DOTALL)))
    assert TABLE.findall(dynamic) == FILLED.findall(dynamic) == []
    assert re.findall(r"\b(?:v|p)_\w+|\bNEW\b|\bOLD\b|\bFOUND\b", dynamic) == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("ELSIF EXISTS (SELECT FROM ledger.charges AS c WHERE c.tenant = p_tenant) THEN",
         "no way is known to run beside the row: ELSIF EXISTS (SELECT FROM ledger.charges AS c"
         " WHERE c.tenant = p_tenant)"),
        ("DELETE FROM ledger.charges AS c WHERE c.charge_id = p_id;",
         "of which tenant it asks cannot be told: DELETE FROM ledger.charges AS c"
         " WHERE c.charge_id = p_id"),
    ],
)  # fmt: skip
def test_what_cannot_be_rewritten_is_named(statement: str, message: str) -> None:
    text = (
        "CREATE OR REPLACE FUNCTION ledger.f(p_tenant uuid, p_id uuid)\nRETURNS void\n"
        f"LANGUAGE plpgsql\nAS $$\nBEGIN\n    {statement}\nEND\n$$;\n"
    )
    with pytest.raises(DuecourseError) as raised:
        rewrite(text, CITUS)
    assert raised.value.message == message
