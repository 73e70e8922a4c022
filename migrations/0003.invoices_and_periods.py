"""Invoices, the ledger of recurring service periods, and what operators did to both."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0002.sources"}

steps = [step(render("migrations/0003.invoices_and_periods.sql.j2"))]
