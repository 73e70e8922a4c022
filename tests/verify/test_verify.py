"""verify: every check in its order, each well formed and content with good books."""

import re

import psycopg
import pytest

from duecourse import locate
from duecourse.objects import checks
from duecourse.render import render
from tests.service_periods.books import AS_OF
from tests.verify.scene import CHECKS, Scene


def test_every_check_has_a_number_and_a_name_of_its_own() -> None:
    files = [file.name for file in sorted(locate.folder("verify").glob("[0-9]*"))]
    assert all(re.fullmatch(r"\d{4}_[a-z_]+\.sql\.j2", name) for name in files)
    assert len({name[:4] for name in files}) == len(set(CHECKS)) == len(files)


@pytest.mark.parametrize("check", CHECKS)
def test_good_books_have_no_findings(scene: Scene, check: str) -> None:
    assert scene.find(check) == []


@pytest.mark.parametrize("check", CHECKS)
def test_an_unknown_tenant_is_refused(scene: Scene, check: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        scene.database.execute(
            f"SELECT * FROM {checks()[check]}.check_{check}(%s, %s)", (scene.profile, AS_OF)
        )
    assert raised.value.sqlstate == "DC002"


def test_verify_reads_every_check_in_order(scene: Scene) -> None:
    asked = {
        schema: re.findall(r"\.check_(\w+)\(", text)
        for schema, text in re.findall(
            r"FUNCTION (\w+)\.verify\(.*?\$\$(.*?)\$\$", render("verify/verify.sql.j2"), re.DOTALL
        )
    }
    ledgers = {ledger: [name for name in CHECKS if checks()[name] == ledger] for ledger in asked}
    assert asked == ledgers | {"ops": CHECKS}
    assert scene.select("verify") == []
    scene.delete(scene.last_row())
    assert scene.select("verify") == [
        scene.find_one(check, scene.the_line.schedule_key) for check in ("pending_plan", "coverage")
    ]
