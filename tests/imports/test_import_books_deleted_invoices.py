"""Books imported again after an invoice of theirs was deleted here: it stays deleted."""

import json

from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.conftest import Command, Database
from tests.imports.test_import_books import fingerprint

LINKED = (
    "SELECT r.invoice_id, count(*), min(r.record_id::text)"
    " FROM billing.recurring_service_periods AS r JOIN billing.invoices AS i"
    " USING (tenant, invoice_id) WHERE r.lifecycle_state = 'billed'"
    " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2"
)
CALL = "CALL billing.{}_invoice(%s, %s, 'wrong')"


def test_a_deleted_invoice_is_left_out(duecourse: Command, dsn: str, database: Database) -> None:
    duecourse("import", SAMPLE, "--dsn", dsn)
    [(deleted, rows, record), (reversed_, *_)] = database.execute(LINKED).fetchall()
    database.execute(CALL.format("delete"), (TENANT, deleted))
    database.execute(CALL.format("reverse"), (TENANT, reversed_))
    before = fingerprint(database)
    done = duecourse("import", SAMPLE, "--format", "json", "--dsn", dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert fingerprint(database) == before
    summary = json.loads(done.stdout)
    assert summary["left_out"]["invoices"] == 1
    assert summary["left_out"]["invoice_charges"] >= 1
    assert summary["left_out"]["invoice_charge_details"] >= rows
    assert {counts["new"] + counts["updated"] for counts in summary["tables"].values()} == {0}
    shown = duecourse("import", SAMPLE, "--dsn", dsn).stdout
    assert "lines of invoices deleted here, left out: 1 invoices, " in shown

    again = database.execute(CALL.format("delete"), (TENANT, deleted)).fetchall()
    assert again == [("already_deleted", 0)]
    [(status, periods)] = database.execute(
        "SELECT status, jsonb_array_length(service_periods) FROM billing.invoiced_history(%s)"
        " WHERE invoice_id = %s",
        (TENANT, deleted),
    ).fetchall()
    assert (status, periods) == ("deleted", rows)
    planned = database.execute(
        "SELECT FROM billing.plan_linkage_repair(%s, %s) WHERE record_id::text = %s",
        (TENANT, AS_OF, record),
    ).fetchall()
    assert planned == []
