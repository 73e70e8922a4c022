"""What operators ask of a run, how fast it goes, and what it waits for."""

from duecourse.frozen import steps_of

__depends__ = {"0010.ledger_indexes"}

steps = steps_of("0011.run_control")
