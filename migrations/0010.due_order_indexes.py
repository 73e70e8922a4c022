"""Indexes in the order of due work: cycles by end, clients by name, contract lines."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0003.billing_sources"}

steps = [step(render("migrations/0010.due_order_indexes.sql.j2"))]
