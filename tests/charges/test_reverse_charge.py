"""Reversing a charge: the pair adds up to nothing, a second call changes nothing."""

import pytest

from tests.charges.owner import Owner, refused


def test_a_reversal_undoes_its_charge(owner: Owner) -> None:
    charge = owner.post()
    reversal = owner.reverse(charge, "wrong unit")
    rows = owner.rows("charges")
    assert rows[charge]["reversed_at"] == rows[reversal]["created_at"]
    assert (rows[reversal]["description"], rows[reversal]["reverses_charge_id"]) == (
        "wrong unit",
        charge,
    )
    names = ("tenant_user_id", "unit_id", "type", "currency", "billing_period", "effective_on")
    assert [rows[reversal][n] for n in names] == [rows[charge][n] for n in names]
    assert owner.balance() == 0
    assert owner.balance(as_of="2026-05-01") == 0


def test_it_may_begin_later(owner: Owner) -> None:
    owner.reverse(owner.post(), effective_on="2026-06-01")
    assert owner.balance(as_of="2026-05-31") == 100_000
    assert owner.balance(as_of="2026-06-01") == 0


def test_the_second_time_changes_nothing(owner: Owner) -> None:
    charge = owner.post()
    first = owner.reverse(charge)
    before = owner.rows("charges")
    assert owner.reverse(charge, "again") == first
    assert owner.rows("charges") == before


def test_a_reversal_is_never_reversed(owner: Owner) -> None:
    charge = owner.post()
    reversal = owner.reverse(charge)
    with refused("DC106", f"charge {reversal} reverses charge {charge}", "ledger.post_charge"):
        owner.reverse(reversal)


@pytest.mark.parametrize("reason", [None, "", " \n"])
def test_a_reason_is_needed(owner: Owner, reason: str) -> None:
    charge = owner.post()
    with refused("DC001", "p_reason is null or blank"):
        owner.reverse(charge, reason)


def test_an_id_that_is_taken_is_refused(owner: Owner) -> None:
    charge, other = owner.post(), owner.post(billing_period="2026-06")
    with refused("DC001", f"o_charge_id is '{other}', the id of another charge", "Leave"):
        owner.reverse(charge, o_charge_id=other)
    reversal = owner.reverse(charge, o_charge_id="undo")
    assert owner.reverse(charge, o_charge_id=other) == reversal == "undo"


@pytest.mark.parametrize("day", ["infinity", "0044-03-15 BC"])
def test_a_day_that_no_charge_has_is_refused(owner: Owner, day: str) -> None:
    charge = owner.post()
    with refused("DC001", f"p_effective_on is {day}, not of the years 1 to 9999"):
        owner.reverse(charge, effective_on=day)


def test_an_unknown_charge_is_refused(owner: Owner) -> None:
    with refused("DC003", "charge 'nothing' of tenant", "ledger.charges"):
        owner.reverse("nothing")
