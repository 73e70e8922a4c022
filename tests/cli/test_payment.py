"""duecourse payment on the sample rent books: its JSON, and what it refuses."""

from duecourse.errors import ExitStatus
from tests.cli.test_charges import AS_OF, SCOPE, TYPED, Rent, rent

__all__ = ["rent"]

EMIL = ("--renter", "emil", "--unit", "mill-4")


def test_every_act_tells_its_ids(rent: Rent) -> None:
    on, why = ("--on", "2026-09-02"), ("--reason", "because")
    record = ("payment", "record", *SCOPE, *EMIL, "--cents", 80_000, *on, "--id", "c-1")
    assert rent(*record, *TYPED) == {"payment_id": "c-1"}
    refund = ("payment", "refund", "c-1", *SCOPE, "--cents", 500, *on, *why, "--id", "b-1")
    assert rent(*refund, *TYPED) == {"payment_id": "c-1", "refund_id": "b-1"}
    for act, change in (("correct", ("--cents", 70_000)), ("move", ("--period", "2026-09"))):
        assert rent("payment", act, "c-1", *SCOPE, *change, *why, *TYPED) == {"payment_id": "c-1"}
    shown = rent("payment", "show", "c-1", *SCOPE, *TYPED)
    assert shown["payment"]["billing_period"] == "2026-09"
    assert [m["amount_cents"] for m in shown["movements"]] == [80_000, -500, -80_000, 70_000]
    assert [a["act"] for a in shown["acts"]] == ["refund", "correct", "move"]
    [balance] = rent("balances", *SCOPE, *EMIL, *AS_OF, *TYPED)
    assert balance["balance_cents"] == -69_500


def test_what_is_refused_or_unknown(rent: Rent) -> None:
    done = rent("payment", "show", "nothing", *SCOPE, status=ExitStatus.ERROR)
    assert "there is no payment nothing" in done.stderr
    done = rent("payment", "record", *SCOPE, *EMIL, status=ExitStatus.ERROR)
    assert "Missing option '--cents'" in done.stderr
    refund = ("--cents", 1, "--on", "2026-09-13", "--reason", "no")
    done = rent("payment", "refund", "pay-05", *SCOPE, *refund, status=ExitStatus.REFUSED)
    assert "payment pay-05: 0 cents of it are left" in done.stderr
