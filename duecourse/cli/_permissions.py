"""What granting and revoking permissions share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from duecourse import output, surface
from duecourse.cli._session import Session

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _tenant(text: str) -> str:
    """Read the id of a tenant, or ``all``."""
    return text if text == "all" else str(click.UUID.convert(text, None, None))


def permissions(tenant_help: str) -> Callable[[_Function], _Function]:
    """Add the arguments ``ROLE [PERMISSION]...`` and the option ``--tenant``."""

    def decorate(function: _Function) -> _Function:
        for add in (
            click.option(
                "--tenant",
                metavar="UUID|all",
                type=_tenant,
                required=True,
                help=tenant_help,
            ),
            click.argument("chosen", metavar="[PERMISSION]...", nargs=-1),
            click.argument("role_name", metavar="ROLE"),
        ):
            function = add(function)
        return function

    return decorate


def change(
    session: Session,
    procedure: str,
    done: str,
    *,
    tenant: str,
    role_name: str,
    chosen: tuple[str, ...],
) -> None:
    """Call the procedure once a permission, all of it or nothing, and say what came of it."""
    arguments = {"tenant": None if tenant == "all" else tenant, "role_name": role_name}
    with session.connection() as connection, connection.transaction():
        changed = sum(
            surface.call(connection, f"ops.{procedure}", {**arguments, "permission": name})[
                "o_rows"
            ]
            for name in chosen or (None,)
        )
    if session.format == "json":
        names = list(chosen) or None
        output.show_json(
            {"tenant": tenant, "role_name": role_name, "permissions": names, "changed": changed}
        )
    else:
        what = ", ".join(chosen) or "every permission"
        where = "every tenant" if tenant == "all" else f"tenant {tenant}"
        click.echo(f"{what} on {where} {done} {role_name}: {changed:,} changed")
