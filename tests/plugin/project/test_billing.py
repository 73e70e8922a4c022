"""What a project that uses duecourse tests: its own SQL, on databases with everything applied."""

import pathlib

import duecourse
from duecourse.database import Connection
from duecourse.pytest_plugin import Books


def test_the_package_is_the_installed_one() -> None:
    assert "site-packages" in pathlib.Path(duecourse.__file__).parts


def test_a_database_is_empty_and_of_the_test_alone(duecourse_database: Connection) -> None:
    assert duecourse_database.execute("SELECT count(*) FROM billing.tenants").fetchone() == (0,)
    duecourse_database.execute("INSERT INTO billing.tenants VALUES (gen_random_uuid(), 'Mine')")


def test_another_does_not_see_it(duecourse_database: Connection, duecourse_dsn: str) -> None:
    assert duecourse_database.execute("SELECT count(*) FROM billing.tenants").fetchone() == (0,)
    assert duecourse_database.info.dbname in duecourse_dsn


def test_books(duecourse_books: Books) -> None:
    sample, again = duecourse_books(), duecourse_books()
    assert sample.info.dbname != again.info.dbname
    sample.execute("DELETE FROM billing.billable_records")
    for connection in (sample, again):
        found = connection.execute("SELECT count(*) FROM billing.contract_lines").fetchone()
        assert found is not None
        assert found > (30,)
    findings = again.execute(
        "SELECT count(*) FROM ops.verify(p_tenant => (SELECT tenant FROM billing.tenants),"
        " p_as_of => '2026-09-15') WHERE check_name = 'coverage'"
    )
    assert findings.fetchone() == (8,)
