"""What Stripe events say, read once; refunds, disputes and settings of the inbox."""

from duecourse.frozen import steps_of

__depends__ = {"0007.movements"}

steps = steps_of("0008.stripe_inbox")
