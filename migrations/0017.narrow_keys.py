"""Keys and indexes of the ledger that are narrow, and hold no more than is asked of them."""

from duecourse.frozen import steps_of

__depends__ = {"0016.engine"}

steps = steps_of("0017.narrow_keys")
