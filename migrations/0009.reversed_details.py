"""A mark on the details of reversed invoices."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0004.invoices"}

steps = [step(render("migrations/0009.reversed_details.sql.j2"))]
