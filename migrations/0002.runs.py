"""What the package records about its own work: tenant locks, runs, their escalations, imports."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0001.ops"}

steps = [step(render("migrations/0002.runs.sql.j2"))]
