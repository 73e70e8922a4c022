"""ops.waive_check: a reason and an end are required; another takes the place of the one before."""

from typing import Any
from uuid import UUID

import pytest

from tests.charges.owner import refused
from tests.checks.waived import NEXT_DAY, Waived
from tests.permissions.roles import roles_of


def test_another_takes_its_place(waived: Waived) -> None:
    waived.waive()
    waived.waive(object_key="x")
    waived.waive(reason="still", until=NEXT_DAY)
    waived.waive("cycle_gap")
    told = [
        (row["check_name"], row["object_key"], row["state"], row["reason"])
        for row in waived.waivers()
    ]
    assert told == [
        ("coverage", None, "ended", "agreed"),
        ("coverage", None, "open", "still"),
        ("coverage", "x", "open", "agreed"),
        ("cycle_gap", None, "open", "agreed"),
    ]
    assert {row["waived_by"] for row in waived.waivers()} == {waived.database.info.user}


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"check": None}, "p_check_name is null"),
        ({"check": "coverages"}, "there is no check coverages"),
        ({"check": "ledger_guard"}, "check ledger_guard is of the database: p_tenant is not null"),
        ({"tenant": None}, "check coverage is of a tenant: p_tenant is null"),
        ({"object_key": " "}, "p_object_key is blank"),
        ({"reason": None}, "p_reason is null or blank"),
        ({"reason": " \n"}, "p_reason is null or blank"),
        ({"until": None}, "p_until is null"),
        ({"until": "infinity"}, "p_until is infinity, not a day of the years 1 to 9999"),
    ],
)
def test_what_is_refused(waived: Waived, arguments: dict[str, Any], detail: str) -> None:
    with refused("DC001", detail):
        waived.waive(**arguments)
    with refused("DC002"):
        waived.waive(tenant=UUID(int=1))
    assert waived.waivers() == []


def test_of_the_database(waived: Waived) -> None:
    waived.waive("ledger_guard", tenant=None)
    assert [row["check_name"] for row in waived.waivers(None)] == ["ledger_guard"]
    assert waived.waivers() == []


def test_it_takes_the_permission_to_correct(waived: Waived) -> None:
    with roles_of(waived.database) as roles:
        operator = roles.make("operator")
        roles.grant(waived.tenant, operator, "view", "regenerate", "manage_future")
        waived.waive("cycle_gap")
        for who, may in ((operator, False), (operator, True)):
            if may:
                roles.grant(waived.tenant, operator, "correct_history")
            with roles.login(who) as login:
                own = Waived.__new__(Waived)
                own.database, own.tenant = login, waived.tenant
                if may:
                    own.waive()
                    with refused("42501"):
                        own.waive("ledger_guard", tenant=None)
                else:
                    with refused("42501", "correct_history"):
                        own.waive()
                    with refused("42501", "correct_history"):
                        own.end("cycle_gap")
        assert waived.waivers()[0]["waived_by"] == operator
