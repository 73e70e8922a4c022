"""The schemas, and what the package records about its own work."""

from duecourse.frozen import steps_of

steps = steps_of("0001.ops")
