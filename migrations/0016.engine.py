"""How the engine is set up: partitions of the ledger, and moves into them that are under way."""

from duecourse.frozen import steps_of

__depends__ = {"0015.accepted_drift"}

steps = steps_of("0016.engine")
