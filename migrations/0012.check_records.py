"""What was waived of the checks, and what they found when that was recorded."""

from duecourse.frozen import steps_of

__depends__ = {"0011.run_control"}

steps = steps_of("0012.check_records")
