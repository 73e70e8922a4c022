"""Invoices, the ledger of recurring service periods, and what operators did to both."""

from duecourse.frozen import steps_of

__depends__ = {"0002.sources"}

steps = steps_of("0003.invoices_and_periods")
