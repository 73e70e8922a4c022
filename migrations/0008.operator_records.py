"""What operators did: changed periods, withdrawn invoices, attested steps."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0005.recurring_service_periods"}

steps = [step(render("migrations/0008.operator_records.sql.j2"))]
