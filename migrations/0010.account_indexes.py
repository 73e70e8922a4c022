"""The indexes of accounts hold rows of an account only."""

from duecourse.frozen import steps_of

__depends__ = {"0009.payment_acts"}

steps = steps_of("0010.account_indexes")
