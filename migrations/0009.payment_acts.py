"""What was done by hand to payments."""

from duecourse.frozen import steps_of

__depends__ = {"0008.stripe_inbox"}

steps = steps_of("0009.payment_acts")
