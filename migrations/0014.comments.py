"""Comments on the columns that had none."""

from duecourse.frozen import steps_of

__depends__ = {"0011.run_control"}

steps = steps_of("0014.comments")
