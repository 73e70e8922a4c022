"""Where the SQL lies: beside the installed package, else in the checkout around it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """Return the folder that holds them; an editable install has them in the checkout only."""
    return _PACKAGE if (_PACKAGE / "sql").is_dir() else _PACKAGE.parent


def folder(name: str) -> Path:
    """Return the folder of that name."""
    return root() / name


def checks() -> dict[str, str]:
    """Return the checks of verify/ in their order, each with the schema that it is made in.

    Those from number 0800 to 0899 are of the charge ledger.
    """
    files = sorted(folder("verify").glob("[0-9]*.sql.j2"))
    names = (file.name.removesuffix(".sql.j2").partition("_") for file in files)
    return {name: "ledger" if number[:2] == "08" else "billing" for number, _, name in names}
