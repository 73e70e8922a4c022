"""Indexes of the charge ledger by account, and of the days on which money went back."""

from duecourse.frozen import steps_of

__depends__ = {"0009.payment_acts"}

steps = steps_of("0010.ledger_indexes")
