"""Parts of periods, billing profiles, and what imported settings said of their dates."""

from duecourse.frozen import steps_of

__depends__ = {"0005.stripe"}

steps = steps_of("0006.parts_of_periods")
