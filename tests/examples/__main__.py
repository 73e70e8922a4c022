"""Make docs/reference and the sessions again, or those of some pages: ``python -m tests.examples``.

``python -m tests.examples docs/stripe.md`` types that page only.
"""

import sys
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from duecourse import embedded, migrate
from tests.conftest import ROOT
from tests.examples import check_pages
from tests.examples.reference import REFERENCE
from tests.examples.sessions import pages, retyped


def main(names: list[str]) -> None:
    """Write every page, or those that are named, as it is now."""
    with embedded.serve(durable=False) as server:
        if not names:
            dsn = _new_database(server.dsn, "reference")
            migrate.apply(dsn)
            for name, page in REFERENCE.items():
                (ROOT / name).write_text(page(dsn), encoding="utf-8")
            check_pages.write(dsn)
        for path in [Path(name).resolve() for name in names] or pages():
            print(path.relative_to(ROOT), flush=True)
            text = path.read_text(encoding="utf-8")
            path.write_text(retyped(text, _new_database(server.dsn, path.stem)), encoding="utf-8")


def _new_database(dsn: str, name: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return make_conninfo(dsn, dbname=name)


if __name__ == "__main__":
    main(sys.argv[1:])
