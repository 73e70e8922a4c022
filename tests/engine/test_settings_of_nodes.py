"""What is stored and read is the same on nodes with any settings, not only where routines set them.

A cluster runs parts of a statement in sessions of its nodes, which know no SET of a routine: here
the routines have none of the time zone, nor of intervals, and the session is a hostile one.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.pq import Format
from psycopg.types.json import Jsonb
from pytest_postgresql.executors import NoopExecutor

from duecourse import books
from duecourse.book_files import find_files, records
from duecourse.config import Config
from duecourse.sample_books import AS_OF, SAMPLES, TENANT
from tests.charges.stripe_events import dispute, intent, refund
from tests.conftest import Database, clone
from tests.test_readings import READINGS

HOSTILE = (
    "SET timezone = 'America/New_York'",
    "SET datestyle = 'SQL, DMY'",
    "SET intervalstyle = 'sql_standard'",
)
OWNER = "a1de0000-0000-4000-8000-000000000002"

RUNS = (
    "billing.backfill_service_periods(%(tenant)s, %(as_of)s, p_run_key => '1')",
    "billing.regenerate_service_periods(%(tenant)s, %(as_of)s, p_run_key => '2')",
    "billing.replenish_service_periods(%(tenant)s, %(as_of)s, p_run_key => '3')",
    "billing.repair_invoice_linkage(%(tenant)s, %(as_of)s, p_run_key => '4')",
    "billing.advance_billing_cycles(%(tenant)s, %(as_of)s)",
)
PLACE = "(%(tenant)s, %(row)s, p_reason => 'why'"
ROWS = (
    f"billing.skip_service_period{PLACE})",
    f"billing.defer_service_period{PLACE}, p_invoice_window_start => %(later)s,"
    " p_invoice_window_end => %(last)s)",
    f"billing.edit_service_period{PLACE}, p_activity_window_start => %(second)s,"
    " p_activity_window_end => %(end)s)",
    f"billing.archive_service_period{PLACE})",
    "billing.retire_schedule(%(tenant)s, %(schedule)s, %(as_of)s, 'why')",
)
LAST = (
    "ops.waive_check(%(tenant)s, 'coverage', p_reason => 'agreed', p_until => %(as_of)s)",
    'ops.record_checks(%(tenant)s, %(as_of)s, \'[{"check_name": "coverage", "outcome": "ok",'
    ' "errors": 0, "warnings": 0, "waived": 0}]\')',
    "ledger.backfill_charges(%(owner)s, p_run_key => 'c')",
    "ledger.post_rent(%(owner)s, %(as_of)s, p_run_key => 'r')",
    "ledger.post_charge(%(owner)s, %(renter)s, %(unit)s, 'late_fee', 5, NULL, '2026-02-02', 'fee',"
    " 'late')",
    "ledger.record_payment(%(owner)s, %(renter)s, %(unit)s, '2026-08', 5000, '2026-08-03',"
    " o_payment_id => 'p-1')",
    "ledger.refund_payment(%(owner)s, 'p-1', 100, '2026-08-05', 'why')",
    "ledger.correct_payment(%(owner)s, 'p-1', p_effective_on => '2026-08-04', p_reason => 'why')",
)

#: At the end of a day in UTC, that is of another one elsewhere.
EVENTS = (
    intent("pi_1", created=1785542399),
    refund("pi_1", 1, created=1785628799),
    dispute("pi_1", "created", "needs_response", number=1, created=1785715199),
)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:?\d\d)?")
#: Random, or of them: names of runs, of invoices, of charges, and what is made of these.
RANDOM = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b[0-9a-f]{32}\b|DC-[0-9A-F]{12}"
    r"|(?<=2026-09-15-)[0-9a-f]{8}|evt_\d+"
)
#: Of the session and its clock, settings that are kept as they were given, and what depends on the
#: order of the lines of one day, which is that of their random ids.
OF_THE_CALL = {
    "backend_pid", "backend_start", "rate", "running_balance_cents", "settings", "time_left"
}  # fmt: skip


class Binary(psycopg.Cursor[Any]):
    """A cursor to which nothing comes as text: psycopg reads time stamps of one style only."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.format = Format.BINARY


def plain(value: Any) -> Any:
    """Return a value with its time stamps in UTC; those of today are all the same."""
    if isinstance(value, datetime) and value.tzinfo:
        now = datetime.now(UTC) - value < timedelta(hours=1)
        return "now" if now else value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return {name: plain(found) for name, found in value.items() if name not in OF_THE_CALL}
    if isinstance(value, list | tuple):
        return [plain(found) for found in value]
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return plain(datetime.fromisoformat(value))
    return value


def without_zones(text: Any, columns: frozenset[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the lines of a book whose times do not say that they are of UTC."""
    for number, fields in records(text, columns):
        yield (
            number,
            {
                name: re.sub(r"(\d\d:\d\d:\d\d)\+00$", r"\1", value) if value else value
                for name, value in fields.items()
            },
        )


def bring_in(database: Database, folder: Path) -> Any:
    """Import the books of a folder."""
    with TemporaryDirectory() as rejects:
        files, _ = find_files(database, Config(), folder)
        return books.import_books(database, Config(), files, rejects=Path(rejects) / "r.csv")


def work(database: Database) -> dict[str, list[str]]:
    """Import, call and read everything; return what the readings say and the tables hold."""
    said: dict[str, Any] = {name: [bring_in(database, at)] for name, at in SAMPLES.items()}
    given: dict[str, Any] = {"tenant": TENANT, "owner": OWNER, "as_of": AS_OF}

    def ask(question: str) -> list[tuple[Any, ...]]:
        cursor = database.execute(question.encode(), given)
        return cursor.fetchall() if cursor.description else []

    for call in RUNS:
        said[call] = ask(f"CALL {call}")
    due = ask(
        "SELECT c.client_id, c.invoice_window_start, c.invoice_window_end"
        " FROM billing.invoice_candidates(%(tenant)s, %(as_of)s) AS c WHERE c.can_generate"
        " ORDER BY 1, 2 LIMIT 4"
    )
    for after, (given["client"], given["start"], given["end"]) in zip(
        ("", "reverse", "delete"), due[:3], strict=True
    ):
        [(given["invoice"], *_)] = ask(
            "CALL billing.generate_invoice(%(tenant)s, %(client)s, %(start)s, %(end)s,"
            " p_as_of => %(as_of)s)"
        )
        if after:
            ask(f"CALL billing.{after}_invoice(%(tenant)s, %(invoice)s, 'why')")
    rows = ask(
        "SELECT r.record_id, r.schedule_key, r.service_period_start, r.service_period_end,"
        " r.service_period_start + 1, r.obligation_id FROM billing.recurring_service_periods AS r"
        " WHERE r.tenant = %(tenant)s AND r.lifecycle_state = 'generated'"
        " AND r.service_period_start > %(as_of)s AND r.quarantine_reason IS NULL"
        " ORDER BY r.schedule_key, r.service_period_start"
    )
    for place, call in enumerate(ROWS):
        names = "row", "schedule", "start", "end", "second", "obligation"
        given |= dict(zip(names, rows[place * 3], strict=True))
        given |= {"later": rows[place * 3 + 1][2], "last": rows[place * 3 + 1][3]}
        said[call] = ask(f"CALL {call}")
    [(given["renter"], given["unit"])] = ask(
        "SELECT t.tenant_user_id, t.unit_id FROM ledger.tenancies AS t ORDER BY 1, 2 LIMIT 1"
    )
    for call in LAST:
        said[call] = ask(f"CALL {call}")
    for number, event in enumerate(EVENTS):
        given["event"] = Jsonb(event)
        said[f"event {number}"] = ask("CALL ledger.ingest_stripe_event(%(owner)s, %(event)s)")
    for reading, arguments in READINGS.items():
        tenant = OWNER if reading.startswith("ledger") else TENANT
        of_scene = {
            "tenant": tenant,
            "as_of": AS_OF,
            "window_start": due[3][1],
            "window_end": due[3][2],
            "tenant_user_id": given["renter"],
            "unit_id": given["unit"],
            "client_id": due[3][0],
            "text": "Bramble",
            "payment_id": "p-1",
            "obligation_id": given["obligation"],
        }
        given |= {**arguments, **{n: v for n, v in of_scene.items() if n in arguments}}
        asked = ", ".join(f"p_{name} => %({name})s" for name in arguments)
        given["of"] = tenant
        said[reading] = ask(
            f"SELECT to_jsonb(x) FROM {reading}({', '.join(filter(None, ['%(of)s', asked]))}) AS x"
        )
    for (table,) in ask(
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relkind = 'r'"
        " AND c.relnamespace = ANY ('{billing, ledger, ops}'::regnamespace[])"
        " AND c.relname !~ '^applied_'"
    ):
        said[table] = ask(f"SELECT to_jsonb(x) FROM {table} AS x")
    return {
        name: [json.dumps(plain(x), default=str) for x in found] for name, found in said.items()
    }


def fingerprints(database: Database, zone: str) -> list[tuple[Any, ...]]:
    """Return what scripts compare with the tables that a plan was made from."""
    database.execute(sql.SQL("SET timezone = {}").format(sql.Literal(zone)))
    return database.execute(
        "SELECT * FROM billing._plan_sources(%s, NULL) ORDER BY source, key", (TENANT,)
    ).fetchall()


def forget_settings(database: Database) -> None:
    """Take the settings that a node would not know from all routines."""
    for routine, name in database.execute(
        "SELECT p.oid::regprocedure::text, split_part(s.setting, '=', 1) FROM pg_proc AS p"
        " CROSS JOIN unnest(p.proconfig) AS s (setting)"
        " WHERE p.pronamespace = ANY ('{billing, ledger, ops}'::regnamespace[])"
        " AND s.setting ~* '^(timezone|intervalstyle)='"
    ).fetchall():
        database.execute(
            sql.SQL("ALTER ROUTINE {} RESET {}").format(sql.SQL(routine), sql.Identifier(name))
        )


@pytest.fixture(scope="module")
def usual(applied_server: NoopExecutor) -> dict[str, list[str]]:
    """Return what a session with the usual settings finds."""
    with (
        clone(applied_server, "_usual") as dsn,
        psycopg.connect(dsn, autocommit=True, cursor_factory=Binary) as database,
    ):
        found = work(database)
    assert [reading for reading in READINGS if not found[reading]] == []
    return found


def test_nodes_of_another_zone(
    dsn: str, usual: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a time of books that names no zone mean another one there."""
    monkeypatch.setattr(books, "records", without_zones)
    with psycopg.connect(dsn, autocommit=True, cursor_factory=Binary) as database:
        forget_settings(database)
        for statement in HOSTILE:
            database.execute(statement.encode())
        found = work(database)
        assert fingerprints(database, "UTC") == fingerprints(database, "America/New_York")
    same = set(RANDOM.findall(json.dumps(usual))) & set(RANDOM.findall(json.dumps(found)))
    for name, rows in usual.items():
        assert sorted(told(found[name], same)) == sorted(told(rows, same)), name


def told(rows: list[str], same: set[str]) -> list[str]:
    """Return rows without what is random in them, nor that the routines were altered for this."""
    return [
        RANDOM.sub(lambda m: m[0] if m[0] in same else "?", row)
        for row in rows
        if '"catalog_drift"' not in row
    ]
