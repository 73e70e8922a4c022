"""Run keys: finished, unfinished, reused, left out."""

import psycopg
import pytest

from tests.notices import Notices
from tests.service_periods.books import AS_OF, Books, fill, fingerprint


def test_a_finished_run_is_not_repeated(books: Books) -> None:
    books.line()
    first = books.call(run_key="k")
    books.line()
    before = fingerprint(books.database)
    assert books.call(run_key="k") == first == {"o_rows": 7, "o_batches": 1, "o_status": "done"}
    assert fingerprint(books.database) == before


@pytest.mark.parametrize("ending", ["escalated", "nothing_to_do"])
def test_every_way_to_finish_is_finished(books: Books, ending: str) -> None:
    if ending == "escalated":
        books.line(frequency="daily", owner="contract")
    first = books.call(run_key="k")
    assert first["o_status"] == ending
    books.line()
    assert books.call(run_key="k") == first


OTHER: dict[str, object] = {
    "as_of": "2025-01-11",
    "source_rule_version": "other",
    "target_horizon_days": 181,
    "replenishment_threshold_days": 44,
    "max_periods_per_schedule": 999,
    "expected_plan_hash": "other",
    "accept_escalations": "other",
}


@pytest.mark.parametrize("name", [*OTHER, "client_id", "schedule_key"])
def test_a_key_belongs_to_its_arguments(books: Books, name: str) -> None:
    line = books.line()
    books.call(run_key="k")
    before = fingerprint(books.database)
    other = {**OTHER, "client_id": line.client, "schedule_key": line.schedule_key}[name]
    with pytest.raises(psycopg.Error) as raised:
        books.call(**{"run_key": "k", name: other})
    diagnosis = raised.value.diag
    assert diagnosis.sqlstate == "DC005"
    was = {"as_of": AS_OF, "source_rule_version": "service-driven-invoicing-cutover-v1",
           "target_horizon_days": 180, "replenishment_threshold_days": 45,
           "max_periods_per_schedule": 1000}.get(name, "null")  # fmt: skip
    assert diagnosis.message_detail == (
        f"k of backfill_service_periods: {name} was {was}, is {other}"
    )
    hint = (
        "CALL ops.resume_run(p_run_key => 'k') goes on with it as it is; another p_run_key"
        " begins anew."
    )
    assert diagnosis.message_hint == hint
    assert fingerprint(books.database) == before


def test_an_unfinished_run_resumes_where_it_stopped(books: Books) -> None:
    fill(books, 10)
    notices = Notices(books.database)
    common = {"run_key": "k", "batch_size": 3}
    assert books.call(**common, max_batches=1) == {
        "o_rows": 21, "o_batches": 1, "o_status": "partial"}  # fmt: skip
    assert books.run("k")["finished_at"] is None
    assert books.call(**common, max_batches=2, lock_timeout="1 s") == {
        "o_rows": 63, "o_batches": 3, "o_status": "partial"}  # fmt: skip
    assert books.call(**common, pause="1 ms") == {"o_rows": 70, "o_batches": 4, "o_status": "done"}
    run = books.run("k")
    assert (run["units_done"], run["units_total"], run["batches"]) == (10, 10, 4)
    assert run["finished_at"] >= run["started_at"]
    assert [detail["batch"] for detail in notices.details] == [1, 2, 3, 4]
    assert len(books.ledger()) == 70


def test_the_last_batch_is_not_partial(books: Books) -> None:
    fill(books, 6)
    assert books.call(batch_size=3, max_batches=2)["o_status"] == "done"


def test_without_a_key_every_call_is_a_run(books: Books) -> None:
    books.line()
    assert books.call()["o_status"] == "done"
    assert books.call()["o_status"] == "nothing_to_do"
    keys = books.database.execute(
        "SELECT run_key FROM ops.runs WHERE tenant = %s", (books.tenant,)
    ).fetchall()
    assert len({key for (key,) in keys}) == 2
    assert all(key.startswith("backfill-service-periods-2025-01-10-") for (key,) in keys)


def test_a_key_is_of_one_tenant_and_procedure(books: Books) -> None:
    other = Books(books.database)
    for tenant in (books, other):
        tenant.line()
        assert tenant.call(run_key="k")["o_status"] == "done"
    assert books.call("regenerate", run_key="k")["o_status"] == "nothing_to_do"


def test_a_run_says_who_runs_it(books: Books) -> None:
    books.line()
    books.database.execute("SET application_name = 'nightly'")
    books.call(run_key="k")
    run = books.run("k")
    assert (run["role_name"], run["application_name"]) == (books.database.info.user, "nightly")


def test_a_notice_a_batch_in_words_and_in_json(books: Books) -> None:
    fill(books, 4)
    notices = Notices(books.database)
    books.call(run_key="k", batch_size=3)
    assert notices.messages == [
        "batch 1 of run k: 21 rows written, 3 of 4 schedules done",
        "batch 2 of run k: 28 rows written, 4 of 4 schedules done",
    ]
    counts = notices.details[1].pop("counts")
    assert counts == books.run("k")["counts"]
    assert counts.items() >= {"schedules": 4, "schedules_written": 4, "backfilled": 28}.items()
    assert notices.details[1] == {
        "tenant": str(books.tenant),
        "run_key": "k",
        "batch": 2,
        "rows": 7,
        "rows_total": 28,
        "unit": "schedules",
        "schedules_done": 4,
        "schedules_total": 4,
        "escalated": 0,
    }
