"""What granting and revoking permissions share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from duecourse import output, surface, tenants
from duecourse.cli._scope import tenant
from duecourse.cli._session import Session

_Function = TypeVar("_Function", bound=Callable[..., Any])


def permissions(tenant_help: str) -> Callable[[_Function], _Function]:
    """Add the arguments ``ROLE [PERMISSION]...`` and the option ``--tenant``."""

    def decorate(function: _Function) -> _Function:
        for add in (
            tenant(every=True, whose=tenant_help),
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
    role_name: str,
    chosen: tuple[str, ...],
    **whose: Any,
) -> None:
    """Call the procedure once a permission, all of it or nothing, and say what came of it."""
    with session.books(whose) as connection, connection.transaction():
        arguments = {**whose, "role_name": role_name}
        changed = sum(
            surface.call(connection, f"ops.{procedure}", {**arguments, "permission": name})[
                "o_rows"
            ]
            for name in chosen or (None,)
        )
    if session.format == "json":
        names = list(chosen) or None
        output.show_json(
            {
                "tenant": whose["tenant"] or tenants.ALL,
                "role_name": role_name,
                "permissions": names,
                "changed": changed,
            }
        )
    else:
        what = ", ".join(chosen) or "every permission"
        where = f"tenant {whose['tenant']}" if whose["tenant"] else "every tenant"
        click.echo(f"{what} on {where} {done} {role_name}: {changed:,} changed")
