"""An invoice against what else may happen to its rows at that moment, step by step."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from tests.concurrency.sessions import LEVELS, Session, outcome, until
from tests.service_periods.books import AS_OF, FEBRUARY, JANUARY, LEDGER, Books, Line, fingerprint


@dataclass
class Scene:
    """A line whose January can be invoiced."""

    books: Books
    line: Line
    record: UUID

    @property
    def generate(self) -> str:
        """The CALL that invoices January."""
        return (
            f"CALL billing.generate_invoice(p_tenant => '{self.books.tenant}',"
            f" p_client_id => '{self.line.client}', p_window_start => '{JANUARY}',"
            f" p_window_end => '{FEBRUARY}')"
        )

    def withdraw(self, procedure: str, invoice: str) -> str:
        """Return the CALL that deletes or reverses an invoice."""
        return (
            f"CALL billing.{procedure}_invoice(p_tenant => '{self.books.tenant}',"
            f" p_invoice_id => '{invoice}', p_reason => 'test')"
        )

    def update(self, state: str) -> str:
        """Return a plain UPDATE of the row, which does not take the tenant's turn."""
        return f"UPDATE {LEDGER} SET lifecycle_state = '{state}' WHERE record_id = '{self.record}'"

    def states(self) -> list[str]:
        """Return the state of every row, and after it whether it is linked."""
        return [
            row["lifecycle_state"] + ("+" if row["invoice_id"] else "")
            for row in self.books.ledger()
        ]

    def invoices(self) -> int:
        """Count the invoices that bill something."""
        [(number,)] = self.books.database.execute(
            "SELECT count(*) FROM billing.invoices WHERE tenant = %s AND status <> 'cancelled'",
            (self.books.tenant,),
        )
        return int(number)


@pytest.fixture
def scene(books: Books) -> Scene:
    line = books.line(unit_price_cents=1000)
    return Scene(books, line, books.period(line, JANUARY, FEBRUARY))


def begin(pair: list[Session], level: str) -> tuple[Session, Session]:
    """Begin a transaction in both sessions, with its snapshot."""
    first, second = pair
    first.begin(level)
    second.begin(level)
    return first, second


@pytest.mark.parametrize("level", LEVELS)
def test_who_waits_for_an_invoice_is_told_of_it(
    scene: Scene, pair: list[Session], level: str
) -> None:
    first, second = begin(pair, level)
    [(invoice, status, _)] = first.execute(scene.generate)
    attempt = second.start(scene.generate)
    second.wait_until_blocked_by(first, scene.books.database)
    first.execute("COMMIT")
    if level != "READ COMMITTED":
        assert outcome(attempt) == "40001"
        second.execute("ROLLBACK")
        attempt = second.start(scene.generate)
    assert status == "generated"
    assert attempt.result() == [(invoice, "already_invoiced", None)]
    assert (scene.states(), scene.invoices()) == (["billed+"], 1)


@pytest.mark.parametrize("level", LEVELS)
def test_who_waits_for_an_invoice_that_is_given_up_makes_it(
    scene: Scene, pair: list[Session], level: str
) -> None:
    first, second = begin(pair, level)
    first.execute(scene.generate)
    attempt = second.start(scene.generate)
    second.wait_until_blocked_by(first, scene.books.database)
    first.execute("ROLLBACK")
    [(_, status, _)] = attempt.result()
    second.execute("COMMIT")
    assert status == "generated"
    assert (scene.states(), scene.invoices()) == (["billed+"], 1)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("procedure", ["delete", "reverse"])
def test_the_invoice_is_withdrawn_meanwhile(
    scene: Scene, pair: list[Session], procedure: str, level: str
) -> None:
    [(old, _, _)] = pair[0].execute(scene.generate)
    first, second = begin(pair, level)
    first.execute(scene.withdraw(procedure, old))
    attempt = second.start(scene.generate)
    second.wait_until_blocked_by(first, scene.books.database)
    first.execute("COMMIT")
    if level != "READ COMMITTED":
        assert outcome(attempt) == "40001"
        second.execute("ROLLBACK")
        attempt = second.start(scene.generate)
    [(new, status, _)] = attempt.result()
    second.execute("COMMIT")
    assert status == "generated"
    assert new != old
    assert (scene.states(), scene.invoices()) == (["billed+"], 1)


@pytest.mark.parametrize("procedure", ["delete", "reverse"])
def test_the_invoice_is_withdrawn_after_it_was_named(
    scene: Scene, pair: list[Session], procedure: str
) -> None:
    [(invoice, _, _)] = pair[0].execute(scene.generate)
    first, second = begin(pair, "READ COMMITTED")
    assert first.execute(scene.generate) == [(invoice, "already_invoiced", None)]
    attempt = second.start(scene.withdraw(procedure, invoice))
    second.wait_until_blocked_by(first, scene.books.database)
    first.execute("COMMIT")
    assert attempt.result() == [(f"{procedure}d", 1)]
    second.execute("COMMIT")
    assert (scene.states(), scene.invoices()) == (["locked"], 0)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("state", ["archived", "superseded", "skipped"])
def test_a_plain_update_takes_the_row_away(
    scene: Scene, pair: list[Session], state: str, level: str
) -> None:
    first, second = begin(pair, level)
    first.execute(scene.update(state))
    before = fingerprint(scene.books.database)
    attempt = second.start(scene.generate)
    second.wait_until_blocked_by(first, scene.books.database)
    first.execute("COMMIT")
    assert outcome(attempt) == "40001"
    second.execute("ROLLBACK")
    after = fingerprint(scene.books.database)
    assert {name for name in after if after[name] != before[name]} == {LEDGER}
    assert scene.states() == [state]


def test_a_plain_update_that_is_given_up(scene: Scene, pair: list[Session]) -> None:
    first, second = begin(pair, "READ COMMITTED")
    first.execute(scene.update("archived"))
    attempt = second.start(scene.generate)
    second.wait_until_blocked_by(first, scene.books.database)
    first.execute("ROLLBACK")
    assert outcome(attempt) == "00000"
    second.execute("COMMIT")
    assert (scene.states(), scene.invoices()) == (["billed+"], 1)


def test_a_batch_that_holds_the_lock_for_too_long(scene: Scene, pair: list[Session]) -> None:
    run, client = pair
    observer = scene.books.database
    client.execute("SET lock_timeout = '50 ms'")
    with observer.transaction():
        observer.execute(f"LOCK TABLE {LEDGER} IN SHARE MODE".encode())
        running = run.start(
            f"CALL billing.backfill_service_periods(p_tenant => '{scene.books.tenant}',"
            f" p_as_of => '{AS_OF}')"
        )
        until(observer, "SELECT pg_backend_pid() = ANY (pg_blocking_pids(%s))", (run.pid,))
        assert outcome(client.start(scene.generate)) == "55P03"
    assert outcome(running) == "00000"
    assert client.execute(scene.generate)[0][1] == "generated"


def test_a_client_that_is_killed_leaves_nothing(scene: Scene, pair: list[Session]) -> None:
    first, second = begin(pair, "READ COMMITTED")
    before = fingerprint(scene.books.database)
    first.execute(f"SELECT FROM {LEDGER} WHERE record_id = '{scene.record}' FOR UPDATE")
    attempt = second.start(scene.generate)
    second.wait_until_blocked_by(first, scene.books.database)
    scene.books.database.execute("SELECT pg_terminate_backend(%s, 30000)", (second.pid,))
    assert outcome(attempt) == "57P01"
    first.execute("ROLLBACK")
    assert fingerprint(scene.books.database) == before
    assert first.execute(scene.generate)[0][1] == "generated"
