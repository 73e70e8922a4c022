"""Invoices, their charges, and the details that say which days each charge covers."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0003.billing_sources"}

steps = [step(render("migrations/0004.invoices.sql.j2"))]
