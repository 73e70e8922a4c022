"""``duecourse payment``: what comes and goes by hand, and what a payment consists of."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from duecourse import output, surface
from duecourse.cli._scope import day, tenant
from duecourse.cli._session import Session, options, pass_session
from duecourse.errors import DuecourseError

_Function = TypeVar("_Function", bound=Callable[..., Any])

_FIELDS = (
    "tenant_user_id",
    "unit_id",
    "billing_period",
    "status",
    "amount_cents",
    "currency",
    "payment_method",
    "paid_on",
    "refunded_cents",
    "refunded_on",
    "stripe_payment_intent_id",
    "stripe_session_id",
    "quarantine_reason",
    "recorded_by",
    "moved_by",
)
#: Columns of a table of movements, and what stands over those whose name says more than it needs.
_MOVEMENTS = {
    "movement_number": "number",
    "effective_on": "effective_on",
    "kind": "kind",
    "amount_cents": "amount_cents",
    "unit_id": "unit_id",
    "source": "source",
    "corrects_number": "corrects",
    "description": "description",
}
_ACTS = {name: name for name in ("act", "acted_by", "reason")}

_tenant = tenant()
_reason = click.option("--reason", metavar="TEXT", required=True, help="Why; it is kept.")
_period = click.option(
    "--period", "billing_period", metavar="YYYY-MM", help="The month that it is for."
)


def _account(*, required: bool) -> Callable[[_Function], _Function]:
    renter = click.option(
        "--renter", "tenant_user_id", metavar="ID", required=required, help="The renter."
    )
    unit = click.option("--unit", "unit_id", metavar="ID", required=required, help="The unit.")
    return lambda function: renter(unit(_period(function)))


def _money(on: str, *, required: bool) -> Callable[[_Function], _Function]:
    cents = click.option(
        "--cents", "amount_cents", metavar="N", type=int, required=required, help="How much."
    )
    when = click.option("--on", on, metavar="DATE", type=day, required=required, help="When.")
    return lambda function: cents(when(function))


@click.group()
@options()
def payment() -> None:
    """Record payments that never were Stripe's, and correct, refund, move or show any."""


@payment.command()
@_tenant
@_account(required=True)
@_money("paid_on", required=True)
@click.option("--method", "payment_method", metavar="WORD", help="How, such as cash or cheque.")
@click.option("--currency", metavar="CODE", help="Default: that of the unit's property.")
@click.option("--id", "o_payment_id", metavar="ID", help="Its id: typed again, it records once.")
@options()
@pass_session
def record(session: Session, /, **arguments: Any) -> None:
    """Record a payment that came by hand.

    \b
    duecourse payment record --renter ada --unit 1 --cents 9500 --on 2026-09-03 --tenant Mill
    """
    _act(session, "record_payment", arguments, "recorded: payment {o_payment_id}")


@payment.command()
@click.argument("payment_id")
@_tenant
@_money("effective_on", required=True)
@_reason
@click.option("--id", "o_refund_id", metavar="ID", help="Its id: typed again, it refunds once.")
@options()
@pass_session
def refund(session: Session, /, **arguments: Any) -> None:
    """Record that a payment, or a part of it, went back; a bounced cheque, too.

    \b
    duecourse payment refund PAYMENT --cents 500 --on 2026-09-09 --reason "paid twice" --tenant Mill
    """
    _act(session, "refund_payment", arguments, "recorded: refund {o_refund_id}")


@payment.command()
@click.argument("payment_id")
@_tenant
@_account(required=False)
@_reason
@options()
@pass_session
def move(session: Session, /, **arguments: Any) -> None:
    """Move a payment to the renter, unit or month that it is for; it stays there.

    \b
    duecourse payment move PAYMENT --unit 2 --reason "the wrong flat" --tenant Mill
    """
    _act(session, "move_payment", arguments, "moved: payment {payment_id}")


@payment.command()
@click.argument("payment_id")
@_tenant
@_money("effective_on", required=False)
@click.option(
    "--movement",
    "movement_number",
    metavar="N",
    type=int,
    help="Of this movement, such as a refund, instead of what was received.",
)
@_reason
@options()
@pass_session
def correct(session: Session, /, **arguments: Any) -> None:
    """Correct how much was received, or when; 0 cents: it never was.

    \b
    duecourse payment correct PAYMENT --cents 0 --reason "it bounced" --tenant Mill
    """
    _act(session, "correct_payment", arguments, "corrected: payment {payment_id}")


@payment.command()
@click.argument("payment_id")
@_tenant
@options()
@pass_session
def show(session: Session, /, **arguments: Any) -> None:
    """Show a payment, its movements with those that take back, and what was done by hand.

    \b
    duecourse payment show PAYMENT --tenant Mill
    """
    with session.books(arguments) as connection, surface.snapshot(connection):
        found = [*surface.select(connection, "ledger.show_payment", arguments)]
    if not found:
        raise DuecourseError(
            f"there is no payment {arguments['payment_id']}",
            "duecourse balances shows the accounts",
        )
    [row] = found
    if session.format == "json":
        output.show_json(row)
        return
    told = {name: row["payment"][name] for name in _FIELDS}
    output.show_fields({name: value for name, value in told.items() if value is not None})
    for name, columns in (("movements", _MOVEMENTS), ("acts", _ACTS)):
        if row[name]:
            cells = [[each[column] for column in columns] for each in row[name]]
            output.show_table([*columns.values()], cells)


def _act(session: Session, procedure: str, arguments: dict[str, Any], done: str) -> None:
    with session.books(arguments) as connection:
        result = surface.call(connection, f"ledger.{procedure}", arguments)
    if session.format == "json":
        told = {name: arguments[name] for name in ("payment_id",) if name in arguments}
        output.show_json(told | {name.removeprefix("o_"): value for name, value in result.items()})
    else:
        click.echo(done.format(**{**arguments, **result}))
