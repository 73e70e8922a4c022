"""Who adopted nothing gets what he always got: a profile changes no text but its own."""

from tests.expected.native_renders import EXPECTED, native_renders


def test_native_renders_are_as_they_were() -> None:
    """After a change that is meant: ``python -m tests.expected.native_renders``; see its diff."""
    assert native_renders() == EXPECTED.read_text(encoding="utf-8").splitlines()
