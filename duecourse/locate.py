"""Where the SQL lies: beside the installed package, else in the checkout around it."""

from pathlib import Path

FOLDERS = ("migrations", "sql", "procedures", "verify")

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder of that name; an editable install has them in the checkout only."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
