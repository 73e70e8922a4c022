"""The books whose checklist is looked at."""

from tests.guidance.conftest import cutover, shared_roles

__all__ = ["cutover", "shared_roles"]
