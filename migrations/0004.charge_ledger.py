"""The charge ledger: units and who rents them, what is owed, what was paid."""

from duecourse.frozen import steps_of

__depends__ = {"0001.ops"}

steps = steps_of("0004.charge_ledger")
