"""What may happen to an obligation: its assignments, its cadence, its rows and its invoices."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import LiteralString

from psycopg import sql

from tests.invoices.days import Assignment, Life, Period, numbers
from tests.invoices.scenes import Scene, Statement

Act = Callable[[Scene], list[Statement]]

CYCLES = ("monthly", "monthly", "weekly", "bi-weekly", "quarterly", "semi-annually", "annually")
FREQUENCIES = ("monthly", "monthly", "quarterly", "semi-annually", "annually")
DUE = ("generated", "edited", "locked")


def end(scene: Scene) -> list[Statement]:
    """End the last assignment; it stays active or not."""
    last = latest(scene.life)
    day = max(scene.near(), last.start + timedelta(1))
    return assign(scene, last, end_date=day, is_active=scene.random.random() < 0.7)


def stretch(scene: Scene) -> list[Statement]:
    """Let an assignment, active or not, end later, earlier or never."""
    one = scene.random.choice(scene.life.assignments)
    day = None if scene.random.random() < 0.4 else max(scene.near(), one.start + timedelta(1))
    return assign(scene, one, end_date=day)


def start(scene: Scene) -> list[Statement]:
    """Let an assignment start on another day."""
    one = scene.random.choice(scene.life.assignments)
    day = scene.near()
    return assign(scene, one, start_date=min(day, one.end - timedelta(1)) if one.end else day)


def toggle(scene: Scene) -> list[Statement]:
    """Take an assignment out of use, or back into it; the last of those that are ambiguous."""
    life = scene.life
    one = life.spans[-1] if life.is_ambiguous() else scene.random.choice(life.assignments)
    return assign(scene, one, is_active=not one.is_active)


def renew(scene: Scene) -> list[Statement]:
    """End the last assignment, and begin one on that day: of the same client or the other."""
    last, client = latest(scene.life), scene.random.choice(scene.clients)
    day = max(scene.near(), last.start + timedelta(1))
    active = scene.random.random() < 0.5
    return [
        *assign(scene, last, end_date=day, is_active=active),
        begin(scene, scene.random.choice((last.client, client)), day),
    ]


def restart(scene: Scene) -> list[Statement]:
    """Begin one more assignment after the end of the last: at once, later, even if it is open."""
    last = latest(scene.life)
    day = last.end or max(scene.near(), last.start + timedelta(1))
    ended = [] if last.end or scene.random.random() < 0.1 else assign(scene, last, end_date=day)
    later = day + timedelta(scene.random.choice((0, 1, 14, 31, 45)))
    return [*ended, begin(scene, last.client, later)]


def cycle(scene: Scene) -> list[Statement]:
    """Change how often a client is billed."""
    client, chosen = scene.random.choice(scene.clients), scene.random.choice(CYCLES)
    return scene.update("clients", "client_id", client, billing_cycle=chosen)


def anchor(scene: Scene) -> list[Statement]:
    """Change the day, month, weekday or reference from which a client's cycles count."""
    choose = scene.random.choice
    name, value = choose(
        (
            ("day_of_month", choose((1, 2, 10, 15, 20, 28))),
            ("month_of_year", choose((None, 1, 2, 6, 12))),
            ("day_of_week", choose((None, 1, 4, 7))),
            ("reference_date", choose((None, scene.near()))),
        )
    )
    client, column = choose(scene.clients), f"billing_cycle_anchor_{name}"
    return scene.update("client_billing_settings", "client_id", client, **{column: value})


def line(scene: Scene) -> list[Statement]:
    """Change frequency, timing or cadence owner of the line."""
    choose = scene.random.choice
    name, value = choose(
        (
            ("billing_frequency", choose(FREQUENCIES)),
            ("billing_timing", choose(("advance", "arrears"))),
            ("cadence_owner", choose(("client", "contract"))),
        )
    )
    return scene.update("contract_lines", "contract_line_id", scene.life.key, **{name: value})


def invoice(scene: Scene) -> list[Statement]:
    """Invoice a window in which something is due: the first, or any."""
    due = [row for row in scene.life.periods if row.state in DUE]
    if not due:
        return []
    row = scene.random.choice((due[0], scene.random.choice(due)))
    start, end = row.window
    return scene.call("generate_invoice", client_id=row.client, window_start=start, window_end=end)


def withdraw(scene: Scene) -> list[Statement]:
    """Delete or reverse an invoice."""
    if not scene.life.details:
        return []
    one = scene.random.choice(scene.life.details)
    verb = scene.random.choice(("delete_invoice", "reverse_invoice"))
    return scene.call(verb, invoice_id=one.invoice, reason="test")


def cancel(scene: Scene) -> list[Statement]:
    """Mark an invoice as cancelled, as other systems do; one that is disputed if there is one."""
    details = scene.life.disputed() or scene.life.details
    if not details:
        return []
    one = scene.random.choice(details)
    return scene.update("invoices", "invoice_id", one.invoice, status="cancelled")


def bring(scene: Scene) -> list[Statement]:
    """Bring an invoice of other books: cancelled or not, of days that nothing has billed."""
    rows = [row for row in scene.life.periods if not row.is_billed]
    if not rows:
        return []
    row = scene.random.choice(rows)
    first, end = row.covered
    first += timedelta(scene.random.choice((0, 0, 0, 1)))
    free = first < end and not scene.life.billed() & numbers((first, end))
    status = scene.random.choice(("cancelled", "cancelled", "sent")) if free else "cancelled"
    made, charge, detail = scene.new_id(), scene.new_id(), scene.new_id()
    return [
        scene.insert(
            "invoices", invoice_id=made, client_id=row.client, invoice_number=str(made),
            status=status, invoice_date=scene.today,
        ),
        scene.insert(
            "invoice_charges", invoice_charge_id=charge, invoice_id=made, description="Imported"
        ),
        scene.insert(
            "invoice_charge_details", invoice_charge_detail_id=detail, invoice_charge_id=charge,
            contract_line_id=scene.life.key, service_period_start=min(first, end - timedelta(1)),
            service_period_end=end,
        ),
    ]  # fmt: skip


def archive(scene: Scene) -> list[Statement]:
    """Archive a row: mostly an unbilled one behind the boundary."""
    rows = scene.behind() if scene.random.random() < 0.95 else scene.life.periods
    return revise(scene, "archive_service_period", rows)


def skip(scene: Scene) -> list[Statement]:
    """Skip a row."""
    return revise(scene, "skip_service_period", scene.life.periods)


def erase(scene: Scene) -> list[Statement]:
    """Delete unbilled rows and what they replaced, as far as that is allowed."""
    rows = scene.behind()
    chosen = scene.random.sample(rows, min(len(rows), scene.random.choice((1, 1, 3))))
    return [
        sql.SQL("DELETE FROM billing.recurring_service_periods WHERE record_id = {}").format(
            row.key
        )
        for row in chosen
    ]


def revise(scene: Scene, procedure: LiteralString, rows: list[Period]) -> list[Statement]:
    """CALL a procedure on one of some rows."""
    if not rows:
        return []
    row = scene.random.choice(rows)
    return scene.call(procedure, record_id=row.key, reason="test")


def latest(life: Life) -> Assignment:
    """Return the assignment that began last."""
    return max(life.assignments, key=lambda a: (a.start, a.is_active))


def assign(scene: Scene, assignment: Assignment, **columns: object) -> list[Statement]:
    """Change an assignment."""
    return scene.update("client_contracts", "client_contract_id", assignment.key, **columns)


def begin(scene: Scene, client: str, day: date) -> Statement:
    """Begin an assignment."""
    return scene.insert(
        "client_contracts", client_contract_id=scene.new_id(), client_id=client,
        contract_id=scene.life.contract, start_date=day,
    )  # fmt: skip


_CHANGES: tuple[Act, ...] = (
    *(end, stretch, start, toggle, renew, restart),
    *(cycle, anchor, line),
    *(cancel, bring, archive, skip, erase),
)


def choose(life: Life, random: Random) -> Act:
    """Choose what happens to an obligation in one step; what blocks it is mostly put right."""
    change = random.choice(_CHANGES)
    if random.random() < 0.8 and (life.is_ambiguous() or life.disputed()):
        change = toggle if life.is_ambiguous() else cancel
    return random.choices((change, invoice, withdraw), (9, 5, 1))[0]


#: The acts that change what is owed or what is on record, by name.
CHANGES = {act.__name__: act for act in _CHANGES}
