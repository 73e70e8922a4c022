"""Random books, runs and later work: a revert gives back what was live, or names what was done."""

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.charges.owner import Row as Charge
from tests.charges.runs import backfill
from tests.charges.test_random_ledgers import RULES, fill, ledgers
from tests.conftest import Database
from tests.runs.test_revert_run import NEW, balances, live, refused, revert
from tests.service_periods.books import AS_OF, LEDGER, Books, Line, Row

FREQUENCIES = st.sampled_from(["monthly", "quarterly", "weekly", "semi-annually"])
RUNS = st.tuples(
    st.sampled_from(["backfill", "regenerate", "replenish"]),
    st.integers(0, 120),
    st.integers(1, 3),
)
CHANGES = st.tuples(
    st.integers(0, 2), st.sampled_from(["billing_frequency", "end_date", "is_active"]), FREQUENCIES
)
WORKS = st.tuples(st.sampled_from(["skip", "archive", "lock"]), st.integers(0, 10_000))


def change(books: Books, lines: list[Line], which: int, what: str, frequency: str) -> None:
    """Change what a line owes."""
    line = lines[which % len(lines)]
    if what == "end_date":
        statement = "UPDATE billing.client_contracts SET end_date = %s WHERE contract_id = %s"
        books.database.execute(statement, (AS_OF + timedelta(days=50), line.contract))
    else:
        value: object = frequency if what == "billing_frequency" else False
        books.database.execute(
            f"UPDATE billing.contract_lines SET {what} = %s WHERE contract_line_id = %s".encode(),
            (value, line.obligation),
        )


def work(books: Books, kind: str, number: int) -> tuple[Row, Row | None] | None:
    """Do something to a live row that was generated; return it as it was and as it is."""
    rows = [row for row in books.ledger() if row["lifecycle_state"] == "generated"]
    if not rows:
        return None
    row = rows[number % len(rows)]
    if kind == "lock":
        books.database.execute(
            f"UPDATE {LEDGER} SET lifecycle_state = 'locked' WHERE record_id = %s".encode(),
            (row["record_id"],),
        )
        return row, {**row, "lifecycle_state": "locked"}
    books.perform(f"{kind}_service_period", record_id=row["record_id"], reason="later work")
    successors = [x for x in books.ledger() if x["supersedes_record_id"] == row["record_id"]]
    return row, successors[0] if successors else None


def plain(row: Row) -> Row:
    """Return a row but for what tells one revision from another."""
    return {name: value for name, value in row.items() if name not in NEW}


def ordered(rows: list[Row]) -> list[str]:
    """Return rows as text, in an order of their own."""
    return sorted(map(str, rows))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    lines=st.lists(FREQUENCIES, min_size=1, max_size=3),
    steps=st.lists(st.tuples(st.lists(CHANGES, max_size=2), RUNS), min_size=1, max_size=3),
    later=st.lists(WORKS, max_size=2),
)
def test_a_revert_gives_back_what_was_live(
    shared_database: Database, lines: list[str], steps: list[Any], later: list[Any]
) -> None:
    books = Books(shared_database)
    owed = [books.line(owner="contract", frequency=frequency) for frequency in lines]
    before: list[list[Row]] = []
    for number, (changes, (kind, days, batch)) in enumerate(steps):
        for each in changes:
            change(books, owed, *each)
        before.append(live(books))
        as_of: date = AS_OF + timedelta(days=days)
        books.call(kind, as_of=as_of, run_key=f"run {number}", batch_size=batch)
    touched = [done for done in (work(books, *each) for each in later) if done]

    for number in reversed(range(len(steps))):
        key = f"run {number}"
        if any(row["source_run_key"] == key for row, _ in touched):
            was = books.ledger()
            with pytest.raises(psycopg.Error) as raised:
                revert(books, key)
            assert raised.value.sqlstate == "DC109"
            named = raised.value.diag.message_detail or ""
            assert any(str(row["record_id"]) in named for row, _ in touched)
            assert books.ledger() == was
            return
        expected = before[number]
        for row, then in touched:
            if plain(row) in expected:
                expected.remove(plain(row))
                if then:
                    expected.append(plain(then))
        assert revert(books, key, dry_run=True)[0] == revert(books, key)[0]
        assert ordered(live(books)) == ordered(expected)
    assert (
        books.database.execute(
            "SELECT * FROM billing.check_lineage(%s, %s)", (books.tenant, AS_OF)
        ).fetchall()
        == []
    )


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    ledger=ledgers,
    rule=st.sampled_from(RULES),
    size=st.integers(1, 5),
    reversed_one=st.one_of(st.none(), st.integers(0, 100)),
)
def test_charges_are_as_if_never_made(
    shared_database: Database,
    ledger: tuple[list[Charge], list[Charge]],
    rule: str,
    size: int,
    reversed_one: int | None,
) -> None:
    owner = fill(shared_database, ledger)
    standing = owner.rows("charges")
    before = balances(owner), owner.select("charge_backfill_summary", amount_rule=rule)
    rows, *_ = backfill(owner, amount_rule=rule, batch_size=size, run_key="k")
    made = sorted(owner.rows("charges").keys() - standing.keys())
    assert len(made) == rows
    if made and reversed_one is not None:
        charge = made[reversed_one % len(made)]
        owner.reverse(charge)
        was = owner.rows("charges")
        sqlstate, detail, _ = refused(owner)
        assert (sqlstate, f"charge {charge} " in detail) == ("DC109", True)
        assert owner.rows("charges") == was
        return
    assert revert(owner) == (rows, "reverted")
    [told], [planned] = owner.select("charge_backfill_summary", amount_rule=rule), before[1]
    assert balances(owner) == before[0]
    assert told["plan_hash"] == planned["plan_hash"]
    after = owner.rows("charges")
    assert {name: after[name] for name in standing} == standing
    assert backfill(owner, amount_rule=rule, run_key="again")[0] == rows
