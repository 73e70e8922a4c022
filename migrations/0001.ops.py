"""The schemas, and what the package records about its own work."""

from yoyo import step

from duecourse.render import render

steps = [step(render("migrations/0001.ops.sql.j2"))]
