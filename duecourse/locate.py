"""Where the SQL lies: beside the installed package, else in the checkout around it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """Return the folder that holds them; an editable install has them in the checkout only."""
    return _PACKAGE if (_PACKAGE / "sql").is_dir() else _PACKAGE.parent


def folder(name: str) -> Path:
    """Return the folder of that name."""
    return root() / name
