"""What every command shares: its connection, its output format and its errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import psycopg

from duecourse import embedded, surface, tenants
from duecourse.database import Connection, connect
from duecourse.errors import from_database_error
from duecourse.paging import paged

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass
class Session:
    """The shared options, given before or after the command's name."""

    dsn: str | None = None
    embedded: Path | None = None
    format: str = "table"
    no_pager: bool = False
    debug: bool = False

    @property
    def may_page(self) -> bool:
        """Whether what is printed may go to the pager."""
        return self.format == "table" and not self.no_pager

    @contextmanager
    def server(self, *, create: bool = False) -> Iterator[str | None]:
        """Yield the connection string, of the embedded server if it was asked for.

        Only with ``create`` is one made in a folder that has none yet.
        """
        if self.embedded is None:
            yield self.dsn
        elif self.dsn is not None:
            raise click.UsageError("--dsn and --embedded exclude each other")
        else:
            with embedded.serve(self.embedded, create=create) as server:
                yield server.dsn

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yield a connection in autocommit."""
        with self.server() as dsn, connect(dsn) as connection:
            try:
                yield connection
            except psycopg.Error as error:
                raise from_database_error(error, connection.info) from error

    @contextmanager
    def books(self, arguments: dict[str, Any]) -> Iterator[Connection]:
        """Yield a connection; the tenant and the client among the arguments become ids.

        The tenant becomes None for all.
        """
        with self.connection() as connection:
            tenants.settle(connection, arguments)
            yield connection

    @contextmanager
    def reading(self, arguments: dict[str, Any]) -> Iterator[Connection]:
        """Yield such a connection that sees one state of the books; its table may be paged."""
        with (
            paged(wanted=self.may_page),
            self.books(arguments) as connection,
            surface.snapshot(connection, arguments["tenant"]),
        ):
            yield connection


pass_session = click.make_pass_decorator(Session, ensure=True)


def options(*formats: str) -> Callable[[_Function], _Function]:
    """Add the shared options; ``formats`` are offered beside ``table`` and ``json``."""

    def keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value:
            setattr(ctx.ensure_object(Session), str(parameter.name), value)

    def option(*names: str, **settings: Any) -> Callable[[_Function], _Function]:
        return click.option(*names, expose_value=False, callback=keep, **settings)

    shared = (
        option("--dsn", metavar="DSN", help="Connection string or URL of the database."),
        option(
            "--embedded",
            metavar="DIR",
            type=click.Path(file_okay=False, path_type=Path),
            help="Use an embedded PostgreSQL whose data stay in DIR.",
        ),
        option(
            "--format",
            type=click.Choice(["table", "json", *formats]),
            help="How to print the result (default: table).",
        ),
        option("--no-pager", is_flag=True, help="Do not show long tables in the pager."),
        option("--debug", is_flag=True, help="Show the traceback of an error."),
    )

    def decorate(function: _Function) -> _Function:
        for add in reversed(shared):
            function = add(function)
        return function

    return decorate
