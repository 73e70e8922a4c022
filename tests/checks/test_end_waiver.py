"""ops.end_waiver: what was let pass fails again, and the record stays."""

from tests.checks.waived import Waived


def test_ended(waived: Waived) -> None:
    waived.waive()
    waived.waive(object_key="x")
    assert waived.end(object_key="y") == 0
    assert waived.end() == 1
    assert waived.end() == 0
    told = {row["object_key"]: (row["state"], row["ended_by"]) for row in waived.waivers()}
    assert told == {None: ("ended", waived.database.info.user), "x": ("open", None)}
