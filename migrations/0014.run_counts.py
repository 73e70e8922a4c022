"""What a run counted, so that its record adds up."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0002.runs"}

steps = [step(render("migrations/0014.run_counts.sql.j2"))]
