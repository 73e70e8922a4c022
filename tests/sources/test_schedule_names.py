"""What people call schedules: the client that the latest span bills, and the line."""

from psycopg.rows import dict_row

from tests.conftest import Database
from tests.service_periods.books import FEBRUARY, JANUARY, Books


def test_the_client_and_the_line(shared_database: Database) -> None:
    books = Books(shared_database)
    first, last = books.client(), books.client()
    shared_database.execute(
        "UPDATE billing.clients SET client_name = 'Last' WHERE client_id = %s", [last]
    )
    moved = books.line(first, end=FEBRUARY, contract_line_name="Moved")
    books.assign(moved, FEBRUARY, client_id=last)
    still = books.line(first, JANUARY, contract_line_name="Still", is_active=False)
    Books(shared_database).line()
    rows = shared_database.cursor(row_factory=dict_row).execute(
        "SELECT * FROM billing.schedule_names(p_tenant => %s)", [books.tenant]
    )
    assert rows.fetchall() == [
        {"tenant": books.tenant, "obligation_id": moved.obligation, "client_id": last,
         "client_name": "Last", "contract_line_name": "Moved"},
        {"tenant": books.tenant, "obligation_id": still.obligation, "client_id": first,
         "client_name": "Client", "contract_line_name": "Still"},
    ]  # fmt: skip
