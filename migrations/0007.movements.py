"""Movements of payments, accounts by currency, dated rents, tenancies' rents, duplicates."""

from duecourse.frozen import steps_of

__depends__ = {"0006.parts_of_periods"}

steps = steps_of("0007.movements")
