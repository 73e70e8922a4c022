"""What another system writes into the ledger is judged as import judges it, when it is there."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.books import HARBOR, NORTHLIGHT
from tests.concurrency.sessions import until
from tests.conftest import Database
from tests.profiles.application import INSERT_OVERLAPPING, LINK, application
from tests.profiles.conftest import Pair

LIVE = "lifecycle_state NOT IN ('superseded', 'archived')"

#: A line whose rows nothing was ever wrong with: some of them billed, the last generated.
SOUND_LINE = f"""
    SELECT r.obligation_id
    FROM billing.recurring_service_periods AS r
    WHERE r.tenant = '{NORTHLIGHT}'
    GROUP BY r.obligation_id
    HAVING bool_or(r.lifecycle_state = 'billed') AND bool_or(r.lifecycle_state = 'generated')
        AND bool_and(r.quarantine_reason IS NULL)
    ORDER BY r.obligation_id"""


@pytest.fixture(scope="module")
def books(pair: Pair) -> Database:
    """Return the adopted books, judged."""
    return pair.adopted


@pytest.fixture
def line(books: Database, request: pytest.FixtureRequest) -> UUID:
    """Return a line of its own for the test, whatever else is run."""
    lines = [row[0] for row in books.execute(SOUND_LINE)]
    tests = [test for test in request.session.items if test.path == request.node.path]
    chosen: UUID = lines[tests.index(request.node)]
    return chosen


def judge(database: Database, tenant: str = NORTHLIGHT) -> int | None:
    """Judge a tenant's ledger; return how many rows were judged otherwise than before."""
    [(changed,)] = database.execute("CALL billing.judge_ledger(%s)", (tenant,)).fetchall()
    return changed  # type: ignore[no-any-return]


def rows(database: Database, line: UUID, columns: str, where: str = LIVE) -> list[Any]:
    """Return columns of the rows of a line, by their days."""
    query = f"SELECT {columns} FROM billing.recurring_service_periods WHERE obligation_id = %s"
    query += f" AND {where} ORDER BY service_period_start, revision"
    return database.execute(query.encode(), (line,)).fetchall()


def reasons(database: Database, line: UUID) -> list[str]:
    """Return why live rows of a line are in quarantine."""
    found = rows(database, line, "quarantine_reason", f"{LIVE} AND quarantine_reason IS NOT NULL")
    return [reason for (reason,) in found]


@pytest.mark.parametrize("tenant", [NORTHLIGHT, HARBOR])
def test_what_was_judged_once_stays_so(books: Database, tenant: str) -> None:
    assert judge(books, tenant) == 0
    books.execute("DELETE FROM billing.ledger_judged")
    assert judge(books, tenant) == 0


def test_an_invoice_that_is_gone_and_comes_back(books: Database, line: UUID) -> None:
    [(linked,), *_] = rows(books, line, "invoice_charge_detail_id", "lifecycle_state = 'billed'")
    kept = "FROM public.invoice_charge_details WHERE item_detail_id = %s"
    books.execute(f"CREATE TEMPORARY TABLE kept AS SELECT * {kept}".encode(), (linked,))
    books.execute(f"DELETE {kept}".encode(), (linked,))
    assert judge(books) == 1
    assert reasons(books, line) == ["dangling_linkage"]
    [(invoice, unresolved)] = rows(
        books, line, "invoice_id, unresolved_linkage", "quarantine_reason IS NOT NULL"
    )
    assert invoice is None
    assert unresolved["invoice_charge_detail_id"] == str(linked)
    assert judge(books) == 0
    books.execute("INSERT INTO public.invoice_charge_details SELECT * FROM kept")
    assert judge(books)
    assert reasons(books, line) == []
    assert judge(books) == 0


def test_a_charge_that_moves_to_another_invoice(books: Database, line: UUID) -> None:
    [(charge, invoice), *_] = rows(
        books, line, "invoice_charge_id, invoice_id", "lifecycle_state = 'billed'"
    )
    move = "UPDATE public.invoice_charges SET invoice_id = {} WHERE item_id = %s"
    other = f"(SELECT invoice_id FROM public.invoices WHERE invoice_id <> '{invoice}' LIMIT 1)"
    books.execute(move.format(other).encode(), (charge,))
    assert judge(books)
    assert set(reasons(books, line)) == {"dangling_linkage"}
    books.execute(move.format(f"'{invoice}'").encode(), (charge,))
    assert judge(books)
    assert reasons(books, line) == []


def test_a_line_that_is_gone_and_comes_back(books: Database, line: UUID) -> None:
    live = len(rows(books, line, "record_id"))
    books.execute("SET session_replication_role = replica")
    kept = "FROM public.contract_lines WHERE contract_line_id = %s"
    books.execute(f"CREATE TEMPORARY TABLE kept_line AS SELECT * {kept}".encode(), (line,))
    books.execute(f"DELETE {kept}".encode(), (line,))
    assert judge(books)
    assert reasons(books, line) == ["unknown_obligation"] * live
    books.execute("INSERT INTO public.contract_lines SELECT * FROM kept_line")
    books.execute("RESET session_replication_role")
    assert judge(books)
    assert reasons(books, line) == []
    assert judge(books) == 0


def test_an_overlap_waits_until_there_is_room(books: Database, line: UUID) -> None:
    books.execute(INSERT_OVERLAPPING.format(line=line).encode())
    assert judge(books)
    assert reasons(books, line) == ["overlap"]
    # The earlier of two untouched rows is sound: it is taken away.
    [*_, (last,)] = rows(books, line, "record_id", f"{LIVE} AND quarantine_reason IS NULL")
    books.execute("DELETE FROM public.recurring_service_periods WHERE record_id = %s", (last,))
    assert judge(books)
    assert reasons(books, line) == []
    assert judge(books) == 0


def test_what_was_known_of_a_row_goes_with_it(books: Database, line: UUID) -> None:
    books.execute(INSERT_OVERLAPPING.format(line=line).encode())
    assert judge(books)
    waiting = "SELECT record_id FROM billing.ledger_side JOIN public.recurring_service_periods"
    waiting += (
        " USING (tenant, record_id) WHERE obligation_id = %s AND quarantine_reason = 'overlap'"
    )
    [(record,)] = books.execute(waiting.encode(), (line,)).fetchall()
    books.execute("DELETE FROM public.recurring_service_periods WHERE record_id = %s", (record,))
    assert judge(books)
    known = "SELECT count(*) FROM billing.ledger_side WHERE record_id = %s"
    assert books.execute(known.encode(), (record,)).fetchall() == [(0,)]


def test_a_row_bills_whom_its_assignment_says(books: Database, line: UUID) -> None:
    [(contract, owner)] = books.execute(
        "SELECT contract_id, owner_client_id FROM public.contracts JOIN public.contract_lines"
        " USING (tenant, contract_id) WHERE contract_line_id = %s",
        (line,),
    ).fetchall()
    assert {client for (client,) in rows(books, line, "client_id")} == {owner}
    [(other,)] = books.execute(
        "SELECT client_id FROM public.clients WHERE tenant = %s AND client_id <> %s LIMIT 1",
        (NORTHLIGHT, owner),
    ).fetchall()
    move = "UPDATE public.client_contracts SET client_id = %s WHERE contract_id = %s"
    books.execute(move.encode(), (other, contract))
    assert judge(books)
    assert {client for (client,) in rows(books, line, "client_id")} == {other}
    assert judge(books) == 0
    books.execute(move.encode(), (owner, contract))
    assert judge(books)
    assert {client for (client,) in rows(books, line, "client_id")} == {owner}


def test_what_is_in_good_order_is_not_written_down(books: Database, line: UUID) -> None:
    books.execute(LINK.format(line=line).encode())
    before = books.execute("SELECT count(*) FROM billing.ledger_side").fetchall()
    assert judge(books) == 0
    assert books.execute("SELECT count(*) FROM billing.ledger_side").fetchall() == before


def test_nothing_can_be_written(books: Database) -> None:
    notices = []
    books.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    books.execute("SET default_transaction_read_only = on")
    assert judge(books) is None
    books.execute("RESET default_transaction_read_only")
    assert notices == ["the ledger is read as it was judged last: nothing can be written here"]


def test_who_may_view_may_judge_and_nobody_else(books: Database) -> None:
    with application(books) as dsn, psycopg.connect(dsn, autocommit=True) as theirs:
        role = theirs.info.user
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            judge(theirs)
        books.execute("CALL ops.grant_permission(%s, %s, 'view')", (HARBOR, role))
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
            judge(theirs, NORTHLIGHT)
        assert NORTHLIGHT in str(raised.value.diag.message_detail)
        assert judge(theirs, HARBOR) == 0


def test_what_a_run_wrote_is_sound_and_what_is_written_beside_it_is_judged(books: Database) -> None:
    batches = "SELECT count(*) FROM billing.ledger_batches"
    # An older transaction, of whatever database of the server, may not see the batch yet.
    with psycopg.connect(books.info.dsn) as older:
        older.execute("SELECT pg_current_xact_id()")
        run = books.execute(
            "CALL billing.backfill_service_periods(%s, '2026-11-20', p_run_key => 'judged')",
            (NORTHLIGHT,),
        ).fetchone()
        assert run is not None
        assert run[0] > 0
        [(line,), *_] = books.execute(
            "SELECT obligation_id FROM billing.recurring_service_periods"
            " WHERE source_run_key = 'judged' AND lifecycle_state = 'generated'"
            " AND quarantine_reason IS NULL ORDER BY record_id"
        ).fetchall()
        books.execute(INSERT_OVERLAPPING.format(line=line).encode())
        assert judge(books)
        assert reasons(books, line) == ["overlap"]
        assert books.execute(batches).fetchall() == [(1,)]
        assert judge(books) == 0
    nobody_is_older = (
        "SELECT bool_and(age(b.xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid))"
        " FROM billing.ledger_batches AS b"
    )
    until(books, nobody_is_older)
    assert judge(books) == 0
    assert books.execute(batches).fetchall() == [(0,)]
