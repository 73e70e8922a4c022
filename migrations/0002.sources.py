"""The sources of recurring billing: tenants, clients, contracts, lines and cycles."""

from duecourse.frozen import steps_of

__depends__ = {"0001.ops"}

steps = steps_of("0002.sources")
