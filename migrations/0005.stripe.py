"""The inbox of Stripe events, and what they say of each payment."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0004.charge_ledger"}

steps = [step(render("migrations/0005.stripe.sql.j2"))]
