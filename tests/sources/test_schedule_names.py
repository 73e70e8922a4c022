"""What people call schedules: the client that the latest span bills, and the line."""

from uuid import UUID

from psycopg.rows import dict_row

from tests.conftest import Database
from tests.service_periods.books import FEBRUARY, JANUARY, Books, Line, select


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
         "client_name": "Last", "contract_line_name": "Moved",
         "status": "live", "reason": None},
        {"tenant": books.tenant, "obligation_id": still.obligation, "client_id": first,
         "client_name": "Client", "contract_line_name": "Still",
         "status": "retired", "reason": "line inactive"},
    ]  # fmt: skip


def test_why_one_is_owed_nothing(shared_database: Database) -> None:
    books = Books(shared_database)
    client = books.client()
    expected: dict[UUID, tuple[str, str, str | None]] = {}

    def line(name: str, status: str, reason: str | None) -> Line:
        made = books.line(client, contract_line_name=name)
        expected[made.obligation] = (name, status, reason)
        return made

    def switch_off(table: str, column: str, of: UUID, switch: str = "is_active = false") -> None:
        shared_database.execute(f"UPDATE billing.{table} SET {switch} WHERE {column} = %s", [of])

    line("owed", "live", None)
    switch_off(
        "contract_lines", "contract_line_id", line("a", "retired", "line inactive").obligation
    )
    switch_off("contracts", "contract_id", line("b", "retired", "contract inactive").contract)
    switch_off(
        "client_contracts", "contract_id", line("c", "retired", "no active assignment").contract
    )
    books.assign(line("d", "ambiguous", "two assignments share a day"), JANUARY)
    once = line("e", "not_recurring", "not recurring").obligation
    switch_off("contract_lines", "contract_line_id", once, "is_recurring = false")
    system = line("f", "excluded", "contract of the system").contract
    switch_off("contracts", "contract_id", system, "is_system_managed_default = true")
    template = books.template(contract_line_name="g")
    expected[template.obligation] = ("g", "not_recurring", "template")

    given = {"tenant": books.tenant, "obligation_ids": [*expected, UUID(int=7)]}
    rows = select(shared_database, "schedule_names", given)
    found = {
        row["obligation_id"]: (row["contract_line_name"], row["status"], row["reason"])
        for row in rows
    }
    assert found == expected
    [one] = select(shared_database, "schedule_names", {**given, "obligation_ids": [once]})
    assert one["reason"] == "not recurring"
