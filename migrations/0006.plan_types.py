"""The shapes in which a planned batch is handed from the planner to the worker that writes it."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0005.recurring_service_periods"}

steps = [step(render("migrations/0006.plan_types.sql.j2"))]
