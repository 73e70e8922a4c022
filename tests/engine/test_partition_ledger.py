"""The ledger in partitions: what hangs on its tables, its rows, a move that is interrupted."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from duecourse import engine
from duecourse.bundle import bundle
from duecourse.config import Config, load
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.migrate import apply, migration_paths, status
from duecourse.pending import pending
from duecourse.postgres import binaries
from duecourse.render import render
from tests.conftest import Database
from tests.engine.structure import structure_of

#: Writes the setting into the configuration that every command reads; 0 takes it out.
Partitions = Callable[[int], None]

LEDGER = "billing.recurring_service_periods"
TABLES = [LEDGER, "ledger.charges", "ledger.payment_movements"]


@pytest.fixture
def partitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Partitions:
    """Return a function that writes the configuration."""

    def write(number: int) -> None:
        text = f"[engine]\nledger_partitions = {number}\n" if number else ""
        (tmp_path / "duecourse.toml").write_text(text)
        monkeypatch.setenv("DUECOURSE_CONFIG", str(tmp_path / "duecourse.toml"))

    return write


def cut(database: Database, partitions: int, **given: object) -> tuple[int, str]:
    """Move the ledger; return how many rows were copied, and the status."""
    more = "".join(f", p_{name} => %({name})s" for name in given)
    call = f"CALL ops.partition_ledger(%(partitions)s{more})"
    [row] = database.execute(call.encode(), {"partitions": partitions, **given})
    return row


def partitions_of(database: Database, table: str) -> int:
    """Return into how many partitions a table is cut."""
    [(number,)] = database.execute(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = %s::regclass", [table]
    )
    return int(number)


def rows_of(database: Database) -> dict[str, object]:
    """Return how many rows the tables have, and a hash over all of them."""
    return {
        table: database.execute(
            f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text COLLATE \"C\"))"
            f" FROM {table} AS t".encode()
        ).fetchone()
        for table in TABLES
    }


def assert_no_difference(database: Database) -> None:
    """Expect that the catalog is as apply has recorded it."""
    found = status(database)
    assert (found.differences, found.edited) == ([], [])


@contextmanager
def raises(code: str, detail: str, hint: str) -> Iterator[None]:
    """Expect an error of the database, whole."""
    with pytest.raises(psycopg.Error) as raised:
        yield
    diag = raised.value.diag
    assert (raised.value.sqlstate, diag.message_detail, diag.message_hint) == (code, detail, hint)


def by_hand(database: Database) -> None:
    """Do to the tables what a DBA may do, and what the package itself has no example of."""
    database.execute(f"""
        DROP ROLE IF EXISTS partition_reader;
        CREATE ROLE partition_reader;
        GRANT SELECT, INSERT ON {LEDGER} TO partition_reader;
        GRANT UPDATE (quarantine_reason) ON {LEDGER} TO partition_reader WITH GRANT OPTION;
        ALTER TABLE {LEDGER} ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON {LEDGER} AS RESTRICTIVE FOR SELECT TO partition_reader
            USING (tenant IS NOT NULL);
        ALTER TABLE {LEDGER} SET (autovacuum_vacuum_scale_factor = 0.01, fillfactor = 90);
        ALTER TABLE {LEDGER} ALTER COLUMN client_id SET (n_distinct = -0.5);
        ALTER TABLE {LEDGER} DISABLE TRIGGER recurring_service_periods_guard_truncate;
        COMMENT ON INDEX billing.recurring_service_periods_due_idx IS 'What is due.';
        COMMENT ON CONSTRAINT recurring_service_periods_pkey ON {LEDGER} IS 'Named.';
        COMMENT ON TRIGGER recurring_service_periods_guard_insert ON {LEDGER} IS 'Looks.';
        CREATE SCHEMA reports;
        CREATE VIEW reports.live WITH (security_barrier) AS SELECT r.* FROM {LEDGER} AS r;
        CREATE VIEW reports.counted AS SELECT count(*) AS rows FROM reports.live;
        GRANT SELECT ON reports.counted TO partition_reader;
        COMMENT ON VIEW reports.live IS 'Theirs.';
    """)


_VIEWS = """
    SELECT c.oid::regclass::text, pg_get_viewdef(c.oid), c.reloptions, c.relacl::text,
        obj_description(c.oid, 'pg_class')
    FROM pg_class AS c WHERE c.relnamespace = 'reports'::regnamespace ORDER BY 1
"""


def test_everything_hangs_on_the_partitioned_tables(database: Database) -> None:
    by_hand(database)
    before = {table: structure_of(database, table) for table in TABLES}
    views = database.execute(_VIEWS).fetchall()
    drift = status(database).differences
    assert cut(database, 8) == (0, "done")
    assert [partitions_of(database, table) for table in TABLES] == [8, 8, 8]
    for table in TABLES:
        for kind, parts in structure_of(database, table).items():
            assert parts == before[table][kind], (table, kind)
    assert database.execute(_VIEWS).fetchall() == views
    assert status(database).differences == drift
    assert database.execute(
        "SELECT DISTINCT reloptions FROM pg_class WHERE relname ~ '^recurring.*_of_8$'"
        " AND relkind = 'r'"
    ).fetchall() == [(["autovacuum_vacuum_scale_factor=0.01", "fillfactor=90"],)]
    assert cut(database, 8) == (0, "nothing_to_do")
    # And back.
    assert cut(database, 0) == (0, "done")
    assert {table: structure_of(database, table) for table in TABLES} == before
    assert database.execute(_VIEWS).fetchall() == views
    assert status(database).differences == drift
    database.execute("DROP SCHEMA reports CASCADE; DROP OWNED BY partition_reader;")
    database.execute("DROP ROLE partition_reader")


def test_what_a_move_would_lose_is_named(database: Database) -> None:
    database.execute(f"""
        CREATE PUBLICATION theirs FOR TABLE {LEDGER};
        CREATE STATISTICS public.theirs ON client_id, obligation_id FROM {LEDGER};
        CREATE TABLE public.kept (r {LEDGER});
        CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM {LEDGER};
        ALTER TABLE {LEDGER} REPLICA IDENTITY FULL;
    """)
    with raises(
        "DC503",
        f"{LEDGER}: materialized view public.counted, publication theirs, replica identity,"
        " statistics public.theirs, table public.kept",
        "Take that away before, and make it again on the table afterwards.",
    ):
        cut(database, 4)
    assert partitions_of(database, LEDGER) == 0
    database.execute("DROP PUBLICATION theirs")


@pytest.mark.parametrize("partitions", [None, -1, 1, 1025])
def test_a_number_that_is_none_is_refused(database: Database, partitions: int | None) -> None:
    said = "null" if partitions is None else partitions
    with raises(
        "DC001",
        f"p_partitions is {said}; it may be 2 to 1024, or 0 for plain tables",
        r"Call again with a value in range; \df+ shows every argument.",
    ):
        database.execute("CALL ops.partition_ledger(%s)", [partitions])


def test_it_does_not_run_in_a_transaction(database: Database) -> None:
    with pytest.raises(errors.InvalidTransactionTermination), database.transaction():
        cut(database, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {0} SELECT * FROM billing.recurring_service_periods",
        "UPDATE {0} SET updated_at = now()",
        "DELETE FROM {0}",
        "TRUNCATE {0} CASCADE",
    ],
)
def test_a_partition_is_not_written_by_its_name(database: Database, statement: str) -> None:
    cut(database, 2)
    partition = f"{LEDGER}_1_of_2"
    verb = statement.split()[0]
    with raises(
        "DC501",
        f"{verb} on {partition}, a partition of {LEDGER}",
        f"Write to {LEDGER}: its rows find their partition.",
    ):
        database.execute(statement.format(partition).encode())


def test_what_is_done_to_partitions_by_hand_is_drift(
    database: Database, partitions: Partitions
) -> None:
    partitions(2)
    cut(database, 2)
    assert_no_difference(database)
    database.execute(f"""
        DROP TRIGGER partition_guard_insert ON {LEDGER}_0_of_2;
        CREATE INDEX extra ON {LEDGER}_1_of_2 (client_id);
        ALTER TABLE ledger.charges DETACH PARTITION ledger.charges_1_of_2;
    """)
    found = {item.identity: item for item in status(database).differences}
    assert {name: item.state for name, item in found.items()} == {
        f"trigger partition_guard_insert on {LEDGER}_0_of_2": "missing",
        "index billing.extra": "not ours",
        "partition ledger.charges_1_of_2": "missing",
        "table ledger.charges_1_of_2": "not ours",
    }
    database.execute("DROP INDEX billing.extra; DROP TABLE ledger.charges_1_of_2")
    database.execute(found["partition ledger.charges_1_of_2"].repair.encode())
    apply(database.info.dsn)
    assert_no_difference(database)


def test_apply_cuts_the_ledger_and_refuses_another_number(
    dsn: str, database: Database, partitions: Partitions
) -> None:
    partitions(4)
    assert apply(dsn).partitions == 4
    assert apply(dsn).partitions is None
    assert_no_difference(database)
    assert engine.look(database, load()) == engine.Engine(4, 4)
    for wanted, told in ((8, "8"), (0, "nothing")):
        partitions(wanted)
        with pytest.raises(DuecourseError) as raised:
            apply(dsn)
        assert raised.value.exit_status == ExitStatus.REFUSED
        assert raised.value.message == (
            "the ledger is cut into 4 partitions, and [engine] ledger_partitions says " + told
        )
        assert raised.value.hint == (
            "set ledger_partitions = 4 in duecourse.toml; "
            f"or move the ledger: CALL ops.partition_ledger({wanted})"
        )
    cut(database, 0)
    assert apply(dsn).partitions is None
    assert_no_difference(database)


def test_every_migration_runs_again_over_partitions(
    database: Database,
) -> None:
    """Each is safe to run twice: one that fails on a partitioned table fails here."""
    cut(database, 2)
    for path in migration_paths():
        with database.transaction():
            database.execute(render(path).encode())
    assert_no_difference(database)


def test_a_bundle_and_a_dry_run_say_and_do_the_same(
    dsn: str, database: Database, partitions: Partitions
) -> None:
    partitions(4)
    found, _ = pending(database)
    assert (found.move, found.counted) == (
        "CALL ops.partition_ledger(4)", "the partitions of the ledger to apply"
    )  # fmt: skip
    assert engine.look(database, load()).told == (
        "no partitions of the ledger; duecourse.toml says 4"
    )
    subprocess.run(
        [binaries() / "psql", "-X", "-q", "-d", dsn, "-f", "-"],
        input=bundle(database),
        check=True,
        text=True,
    )
    assert engine.look(database, load()).told == "4 partitions of the ledger"
    assert pending(database)[0].counted == "nothing to apply"
    assert_no_difference(database)


def test_what_is_no_number_of_partitions_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "duecourse.toml"
    for setting in ("ledger_partitions = 1", "ledger_partitions = 'all'", "shards = 8"):
        file.write_text(f"[engine]\n{setting}\n")
        with pytest.raises(DuecourseError) as raised:
            Config.from_file(file)
        name, _, value = setting.partition(" = ")
        assert raised.value.message == f"{file} has no setting {name} = {value} of the engine"
        assert raised.value.hint == (
            "the table [engine] may hold ledger_partitions, a whole number from 2 to 1024;"
            " or citus, true or false, and shard_count, a whole number from 1 to 1024"
        )
