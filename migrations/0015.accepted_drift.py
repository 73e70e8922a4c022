"""Drift that somebody has reviewed and accepted."""

from duecourse.frozen import steps_of

__depends__ = {"0014.comments"}

steps = steps_of("0015.accepted_drift")
