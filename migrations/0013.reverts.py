"""Which runs were reverted, and what they had taken away without a row in its place."""

from duecourse.frozen import steps_of

__depends__ = {"0012.check_records"}

steps = steps_of("0013.reverts")
