"""The index of due work, built beside those who write; one left invalid by a kill is built anew."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0005.recurring_service_periods"}
__transactional__ = False

steps = [step(text) for text in render("migrations/0011.due_work_index.sql.j2").split(";\n\n")]
