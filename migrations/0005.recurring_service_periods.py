"""The ledger of recurring service periods and the escalations accepted for its rows."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0002.runs", "0004.invoices"}

steps = [step(render("migrations/0005.recurring_service_periods.sql.j2"))]
