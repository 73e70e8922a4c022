"""Every reason for which a schedule is left alone, what it means, and what helps."""

from tests.service_periods.books import Books


def test_every_case_of_the_runbook_is_listed(books: Books) -> None:
    reasons = {
        reason: (acceptable, meaning)
        for reason, acceptable, meaning, _ in books.database.execute(
            "SELECT * FROM billing.escalation_reasons()"
        )
    }
    assert [reason for reason, (acceptable, _) in reasons.items() if acceptable] == [
        "override_conflict",
        "continuity_gap",
        "continuity_overlap",
        "history_gap",
    ]
    for reason in ("billed_row_would_move", "billed_boundary_overlap"):
        assert "cannot arise from the stored books" in reasons[reason][1]
    assert "disputed_history" in reasons
