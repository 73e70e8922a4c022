"""An index of the active billing cycles by their end."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0003.billing_sources"}

steps = [step(render("migrations/0010.due_cycles_index.sql.j2"))]
