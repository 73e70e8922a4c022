"""The charge ledger: units and who rents them, what is owed, what was paid."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0001.ops"}

steps = [step(render("migrations/0004.charge_ledger.sql.j2"))]
