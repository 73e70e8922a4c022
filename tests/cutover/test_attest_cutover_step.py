"""attest_cutover_step: who may vouch for what, and what is recorded."""

from typing import Any

import psycopg
import pytest

from tests.guidance.checklist import Cutover
from tests.permissions.roles import Roles

CALL = "CALL billing.attest_cutover_step(%s, %s, %s)"


def recorded(cutover: Cutover) -> list[tuple[Any, ...]]:
    """Return the attestations of the tenant in the order in which they were made."""
    return cutover.database.execute(
        "SELECT step, attested_by, note FROM billing.cutover_attestations WHERE tenant = %s"
        " ORDER BY attested_at",
        (cutover.tenant,),
    ).fetchall()


def test_all_are_kept_and_the_latest_counts(cutover: Cutover) -> None:
    user = cutover.database.info.user
    for step in (1, 7, 8, 9):
        assert cutover.attest(step, "first")["attested_by"] == user
    last = cutover.attest(7, "second")
    assert recorded(cutover) == [
        *((step, user, "first") for step in (1, 7, 8, 9)),
        (7, user, "second"),
    ]
    row = cutover.checklist()["step", 7]
    assert {name: row[name] for name in last} == last


def test_twice_in_a_transaction(cutover: Cutover) -> None:
    with cutover.database.transaction():
        cutover.attest(1, "first")
        cutover.attest(1, "second")
    assert [note for _, _, note in recorded(cutover)] == ["second"]


@pytest.mark.parametrize(
    ("step", "note", "detail"),
    [
        (None, "seen", "p_step is null"),
        (0, "seen", "p_step is 0: only steps 1, 7, 8 and 9 are attested"),
        (3, "seen", "p_step is 3: only steps 1, 7, 8 and 9 are attested"),
        (10, "seen", "p_step is 10: only steps 1, 7, 8 and 9 are attested"),
        (7, None, "p_note is null or blank"),
        (7, " \t", "p_note is null or blank"),
    ],
)
def test_what_is_refused(cutover: Cutover, step: int | None, note: str | None, detail: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        cutover.database.execute(CALL, (cutover.tenant, step, note))
    assert raised.value.sqlstate == "DC001"
    assert raised.value.diag.message_detail == detail
    assert "billing.cutover_checklist" in str(raised.value.diag.message_hint)
    assert recorded(cutover) == []


@pytest.mark.parametrize(("known", "sqlstate"), [(False, "DC002"), (None, "DC001")])
def test_which_tenant(cutover: Cutover, known: bool | None, sqlstate: str) -> None:
    tenant = None if known is None else cutover.new_id()
    with pytest.raises(psycopg.Error) as raised:
        cutover.database.execute(CALL, (tenant, 1, "seen"))
    assert raised.value.sqlstate == sqlstate


def test_who_may(cutover: Cutover, shared_roles: Roles) -> None:
    role = shared_roles.make("operator")
    shared_roles.grant(cutover.tenant, role, "view")
    with shared_roles.login(role) as login:
        with pytest.raises(psycopg.Error) as raised:
            login.execute(CALL, (cutover.tenant, 1, "seen"))
        assert raised.value.sqlstate == "42501"
        for permission in ("manage_future", "regenerate", "correct_history"):
            shared_roles.grant(cutover.tenant, role, permission)
            login.execute(CALL, (cutover.tenant, 1, permission))
            shared_roles.revoke(cutover.tenant, role, permission)
    assert recorded(cutover) == [
        (1, role, permission) for permission in ("manage_future", "regenerate", "correct_history")
    ]
