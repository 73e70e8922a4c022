"""Every planted kind of the books ends as it must, checked by the ids that were planted."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from pytest_postgresql.executors import NoopExecutor

from tests.books import BOOKS, EXPECTED
from tests.conftest import Database, clone
from tests.whole.test_books import AS_OF, TENANTS, accept, run

FINDINGS: dict[str, list[dict[str, Any]]] = BOOKS.read("manifest.json")["expected_findings"]
PRESERVED = (
    "edited_override",
    "deferred_override",
    "skipped_override",
    "skipped_without_user_edit_provenance",
    "locked_future",
    "superseded_revision",
    "archived",
    "locked_after_invoice_deletion",
)
COVERED = (
    "never_materialized",
    "no_future_rows",
    "no_future_rows_crash_anchor",
    "short_horizon",
    "contract_rows_stop_180_days_after_start",
    "stale_after_timing_change",
    "stale_after_cadence_owner_change",
    "stale_after_frequency_change",
)
REPLACED = (
    "rows_after_obligation_end",
    "wrong_activity",
    "wrong_invoice_window",
    "wrong_charge_family",
)
OF_CLIENTS = (
    "client_with_anchor_month_upstream_cannot_compute",
    "stale_after_client_cycle_change",
    "stale_after_anchor_change",
)


class Story:
    """The books before, after the first run, and after the reviewed escalations were accepted."""

    def __init__(self, database: Database) -> None:
        """Run the story once."""
        self.database = database
        self.before = self._rows()
        run(database, None)
        self.escalated = self._escalated()
        for tenant in TENANTS:
            accept(database, tenant)
        self.still_escalated = self._escalated()
        self.after = self._rows()
        self.met = {
            str(row["obligation_id"])
            for tenant in TENANTS
            for row in self.query("SELECT * FROM billing.assess_coverage(%s, %s)", (tenant, AS_OF))
            if row["meets_target_horizon"]
        }

    def query(self, text: str, values: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return self.database.cursor(row_factory=dict_row).execute(text, values).fetchall()

    def _rows(self) -> dict[str, dict[str, Any]]:
        rows = self.query("SELECT * FROM billing.recurring_service_periods")
        return {str(row["record_id"]): row for row in rows}

    def _escalated(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for tenant in TENANTS:
            for row in self.query(
                "SELECT obligation_id, reason FROM billing.escalations(%s, %s)", (tenant, AS_OF)
            ):
                found.setdefault(str(row["obligation_id"]), set()).add(row["reason"])
        return found

    def live(self, obligation: str) -> list[dict[str, Any]]:
        """Return an obligation's live rows at the end."""
        return [
            row
            for row in self.after.values()
            if str(row["obligation_id"]) == obligation
            and row["lifecycle_state"] not in ("superseded", "archived")
        ]


@pytest.fixture(scope="module")
def story(books_server: NoopExecutor) -> Iterator[Story]:
    """Yield the story, told once for all kinds."""
    with (
        clone(books_server, "_planted") as dsn,
        psycopg.connect(dsn, autocommit=True) as database,
    ):
        yield Story(database)


@pytest.mark.parametrize("kind", PRESERVED)
def test_preserved_byte_for_byte(story: Story, kind: str) -> None:
    for finding in FINDINGS[kind]:
        for name in ("record_id", "supersedes", "superseded"):
            if name in finding:
                assert story.after[finding[name]] == story.before[finding[name]]


@pytest.mark.parametrize("kind", COVERED)
def test_covered_to_the_horizon(story: Story, kind: str) -> None:
    for finding in FINDINGS[kind]:
        obligation = finding["obligation_id"]
        assert obligation in story.met or obligation in story.still_escalated


@pytest.mark.parametrize("kind", OF_CLIENTS)
def test_lines_of_the_client_are_covered(story: Story, kind: str) -> None:
    for finding in FINDINGS[kind]:
        rows = story.query(
            "SELECT obligation_id FROM billing.recurring_obligations"
            " WHERE client_id = %s AND status = 'live'",
            (finding["client_id"],),
        )
        for row in rows:
            assert str(row["obligation_id"]) in story.met


@pytest.mark.parametrize("kind", REPLACED)
def test_regenerated_or_warned_of(story: Story, kind: str) -> None:
    warned = {
        row["object_key"]
        for tenant in TENANTS
        for row in story.query("SELECT * FROM ops.verify(%s, %s)", (tenant, AS_OF))
        if row["severity"] == "warning"
    }
    for finding in FINDINGS[kind]:
        for record in finding.get("record_ids", [finding.get("record_id")]):
            assert story.after[record]["lifecycle_state"] == "superseded" or record in warned


def test_future_gaps(story: Story) -> None:
    for finding in FINDINGS["gap_future"]:
        assert story.escalated[finding["obligation_id"]] == {"continuity_gap"}
        keys = {row["period_key"] for row in story.live(finding["obligation_id"])}
        assert finding["period_key"] in keys


def test_past_gaps(story: Story) -> None:
    for finding in FINDINGS["gap_past"]:
        obligation = finding["obligation_id"]
        keys = {row["period_key"] for row in story.live(obligation)}
        if finding["billed"]:
            assert story.still_escalated[obligation] == {"disputed_history"}
            assert finding["period_key"] not in keys
        else:
            assert finding["period_key"] in keys


def test_overlaps(story: Story) -> None:
    for finding in FINDINGS["overlap"]:
        assert story.before[finding["record_id"]]["quarantine_reason"] == "overlap"
        assert story.escalated[finding["obligation_id"]] == {"continuity_overlap"}
        assert finding["obligation_id"] not in story.still_escalated
        assert story.after[finding["record_id"]]["lifecycle_state"] == "superseded"
        for kept in finding["overlaps"]:
            assert story.after[kept] == story.before[kept]


@pytest.mark.parametrize("kind", ["stale_after_timing_change", "stale_after_cadence_owner_change"])
def test_old_schedules_give_way(story: Story, kind: str) -> None:
    for finding in FINDINGS[kind]:
        live = story.live(finding["obligation_id"])
        old = [row for row in live if row["schedule_key"] == finding["old_schedule_key"]]
        new = [row for row in live if row["schedule_key"] == finding["new_schedule_key"]]
        assert {row["lifecycle_state"] for row in old} <= {"billed"}
        assert new
        if old:
            fence = max(row["service_period_end"] for row in old)
            assert min(row["service_period_start"] for row in new) == fence


@pytest.mark.parametrize(
    "kind", ["inactive_line_with_live_rows", "inactive_assignment_with_live_rows"]
)
def test_inactive_obligations_lose_their_future(story: Story, kind: str) -> None:
    for finding in FINDINGS[kind]:
        for row in story.live(finding["obligation_id"]):
            untouched = row["lifecycle_state"] == "generated"
            assert not untouched or str(row["service_period_start"]) <= AS_OF


def test_system_default_lines_are_healthy(story: Story) -> None:
    for finding in FINDINGS["system_default_line_without_rows"]:
        assert not story.live(finding["obligation_id"])
        assert finding["obligation_id"] not in story.escalated


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("orphan_schedule", "unknown_obligation"),
        ("contract_cadence_unsupported_frequency", "unsupported_frequency"),
        ("two_active_assignments_of_one_contract", "ambiguous_assignment"),
        ("billed_dangling_link", "dangling_linkage"),
        ("billed_unlinked", "missing_linkage"),
        ("invoiced_without_ledger", "disputed_history"),
    ],
)
def test_left_alone(story: Story, kind: str, reason: str) -> None:
    for finding in FINDINGS[kind]:
        obligation = finding["obligation_id"]
        assert reason in story.still_escalated[obligation]
        rows = [r for r in story.before.values() if str(r["obligation_id"]) == obligation]
        assert rows == [r for r in story.after.values() if str(r["obligation_id"]) == obligation]
        if kind == "orphan_schedule":
            assert {row["quarantine_reason"] for row in rows} == {"unknown_obligation"}


def test_anchor_reference_is_read_as_its_utc_day(story: Story) -> None:
    for finding in FINDINGS["anchor_reference_not_utc_midnight"]:
        (settings,) = story.query(
            "SELECT billing_cycle_anchor_reference_date::text AS day"
            " FROM billing.client_billing_settings WHERE client_id = %s",
            (finding["client_id"],),
        )
        assert settings["day"] == finding["value"][:10]


def test_everything_else_is_clean(story: Story) -> None:
    """A schedule with no fault gets at most the rows at its end that the horizon needs."""
    for tenant in TENANTS:
        for obligation, answer in BOOKS.read(EXPECTED[tenant])["obligations"].items():
            if answer["planted"]:
                continue
            assert obligation not in story.escalated
            for record, row in story.before.items():
                if str(row["obligation_id"]) == obligation:
                    assert story.after[record] == row


def test_every_kind_is_looked_at() -> None:
    here = {*PRESERVED, *COVERED, *OF_CLIENTS, *REPLACED}
    named = {
        "gap_future", "gap_past", "overlap", "inactive_line_with_live_rows",
        "inactive_assignment_with_live_rows", "system_default_line_without_rows",
        "orphan_schedule", "contract_cadence_unsupported_frequency", "billed_dangling_link",
        "two_active_assignments_of_one_contract", "billed_unlinked", "invoiced_without_ledger",
        "anchor_reference_not_utc_midnight",
    }  # fmt: skip
    in_tests_of_the_checks = {
        "detail_mismatch", "double_billed", "detail_exclusive_end", "cycle_not_utc_midnight",
        "cycle_gap", "cycle_overlap", "cycle_open_end",
    }  # fmt: skip
    assert here | named | in_tests_of_the_checks == set(FINDINGS)
