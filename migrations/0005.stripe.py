"""The inbox of Stripe events, and what they say of each payment."""

from duecourse.frozen import steps_of

__depends__ = {"0004.charge_ledger"}

steps = steps_of("0005.stripe")
