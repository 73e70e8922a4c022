"""The inbox of Stripe events, and what they say of each payment."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0012.charge_ledger"}

steps = [step(render("migrations/0013.stripe_events.sql.j2"))]
