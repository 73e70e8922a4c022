"""The sources of recurring billing: tenants, clients, contracts, lines and cycles."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0001.ops"}

steps = [step(render("migrations/0002.sources.sql.j2"))]
