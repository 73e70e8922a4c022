"""Schedules as a person reads them: the key says the tenant and the obligation's type again."""

from duecourse import surface

COLUMNS = ("obligation", "cadence")


def schedule(row: surface.Row) -> tuple[object, str]:
    """Return the obligation and the cadence of a row's schedule; a strange key stands whole."""
    match str(row["schedule_key"]).split(":"):
        case ["schedule", tenant, _, obligation, owner, position] if tenant == str(
            row["tenant"]
        ) and obligation == str(row["obligation_id"]):
            return obligation, f"{owner} {position}"
    return row["schedule_key"], ""
