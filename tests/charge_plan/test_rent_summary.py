"""The plan of the rent in counts and cents that add up."""

from tests.charges.owner import Owner
from tests.charges.runs import AS_OF, assert_adds_up, post_rent, tenancy


def test_keys_and_cents_add_up_to_the_plan(owner: Owner) -> None:
    tenancy(owner, "2026-03-16")
    tenancy(owner, "2026-05-01", unit_id="u-2")
    owner.charge(1, period="2026-04")
    [summary] = owner.select("rent_summary", as_of=AS_OF)
    assert_adds_up(summary)
    actions = [row["action"] for row in owner.select("plan_rent", as_of=AS_OF)]
    assert {
        "keys": len(actions),
        "to_create": actions.count("create"),
        "already_charged": actions.count("already_charged"),
        "quarantined": actions.count("quarantine"),
        "charges_cents": 151_613,
        "accounts_escalated": 1,
        "new_escalations": 1,
    }.items() <= summary.items()
    assert post_rent(owner, expected_plan_hash=summary["plan_hash"]) == (2, 1, "escalated")
    [after] = owner.select("rent_summary", as_of=AS_OF)
    assert (after["to_create"], after["accounts_escalated"], after["new_escalations"]) == (0, 1, 0)
    assert after["plan_hash"] != summary["plan_hash"]
