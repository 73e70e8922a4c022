"""What was done by hand to payments."""

from duecourse.frozen import steps_of

__depends__ = {"0007.movements"}

steps = steps_of("0009.payment_acts")
