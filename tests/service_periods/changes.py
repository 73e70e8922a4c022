"""Lines whose schedules change after something was billed, and what their rows ought to be."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import islice
from math import floor
from typing import Any

from psycopg.rows import dict_row

from tests.invoices.books import Billing
from tests.invoices.cadences import Cadence, Span, of_client, of_contract
from tests.service_periods.books import LEDGER, Line, Row

#: The first day of every line, and the price of one of its periods.
START = date(2026, 1, 8)
CENTS = 310_007

_FAR = date(2100, 1, 1)


@dataclass(frozen=True)
class Schedule:
    """By what a line is billed: a client's cycle and its anchors, or a contract's frequency."""

    owner: str
    cycle: str
    anchors: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return "-".join(map(str, (self.owner, self.cycle, *self.anchors.values())))

    def cadence(self, start: date) -> Cadence:
        """Return its cadence for an assignment from a day on."""
        if self.owner == "contract":
            return of_contract(self.cycle, start)
        return of_client(self.cycle, self.anchors)


SCHEDULES = [
    Schedule("client", "weekly"),
    Schedule("client", "weekly", {"day_of_week": 3}),
    Schedule("client", "bi-weekly", {"reference_date": date(2026, 1, 5)}),
    Schedule("client", "monthly", {"day_of_month": 1}),
    Schedule("client", "monthly", {"day_of_month": 15}),
    Schedule("client", "quarterly", {"month_of_year": 2, "day_of_month": 1}),
    Schedule("client", "semi-annually", {"month_of_year": 3, "day_of_month": 10}),
    Schedule("client", "annually", {"month_of_year": 6, "day_of_month": 1}),
    *(Schedule("contract", c) for c in ("monthly", "quarterly", "semi-annually", "annually")),
]
TIMINGS = ("advance", "arrears")


@dataclass(frozen=True)
class Expected:
    """A row as it ought to be: its period, the days it covers, the whole period, its window."""

    period: Span
    covered: Span
    whole: Span
    window: Span

    @property
    def row(self) -> Row:
        """The columns of the ledger that say so."""
        return _columns("service_period", self.period) | (
            _columns("activity_window", self.covered if self.covered != self.period else None)
            | _columns("whole_period", self.whole if self.whole != self.period else None)
            | _columns("invoice_window", self.window)
        )

    def cents(self, *, prorates: bool) -> int:
        """Return what it costs: a part of a period its share, whether the line prorates or not."""
        if not prorates and self.whole == self.period:
            return CENTS
        share = Fraction(CENTS * _length(self.covered), _length(self.whole))
        return floor(share + Fraction(1, 2))


def periods(
    cadence: Cadence, timing: str, start: date, end: date | None = None, *, exact: bool = True
) -> Iterator[Expected]:
    """Yield the rows of a span from a day on; exact: the first begins on that day."""
    day = start
    while day < (end or _FAR):
        whole = cadence.period(day, start)
        period = (day if exact and day == start else whole[0], whole[1])
        yield Expected(
            period,
            (max(period[0], start), min(period[1], end or _FAR)),
            whole,
            period if timing == "advance" else cadence.period(whole[1], start),
        )
        day = whole[1]


def ahead(found: Iterator[Expected], first_day: date) -> list[Expected]:
    """Return the next rows, as far as a run makes them that looks ahead from a day."""
    horizon = first_day + timedelta(180)
    return [row for row in islice(found, 3) if row.period[0] < horizon]


class Changing(Billing):
    """A tenant whose lines change."""

    def scheduled(self, schedule: Schedule, timing: str, **columns: Any) -> Line:
        """Add a line of a client of its own."""
        client = self.named("Client")
        self.insert("billing.client_billing_settings", client_id=client)
        given: Any = {"unit_price_cents": CENTS, "start": START, "enable_proration": True}
        line = self.line(client, timing=timing, **given | columns)
        self.reschedule(line, schedule)
        return line

    def reschedule(self, line: Line, schedule: Schedule) -> None:
        """Bill a line by another schedule from now on."""
        names = ("day_of_month", "month_of_year", "day_of_week", "reference_date")
        anchors = {f"billing_cycle_anchor_{name}": schedule.anchors.get(name) for name in names}
        self.write("client_billing_settings", line, **anchors)
        if schedule.owner == "client":
            self.write("clients", line, billing_cycle=schedule.cycle)
        else:
            self.write("contract_lines", line, billing_frequency=schedule.cycle)
        self.write("contract_lines", line, cadence_owner=schedule.owner)

    def write(self, table: str, line: Line, **columns: object) -> None:
        """Change the line, its client, the client's settings, or the assignments."""
        key, value = {
            "contract_lines": ("contract_line_id", line.obligation),
            "client_contracts": ("contract_id", line.contract),
        }.get(table, ("client_id", line.client))
        assigned = ", ".join(f"{name} = %s" for name in columns)
        self.database.execute(
            f"UPDATE billing.{table} SET {assigned} WHERE tenant = %s AND {key} = %s".encode(),
            [*columns.values(), self.tenant, value],
        )

    def bill(self, line: Line, row: int = 0) -> Row:
        """Invoice a live row of a line; return the invoice."""
        chosen = self.rows(line)[row]
        window = (chosen["invoice_window_start"], chosen["invoice_window_end"])
        result = self.generate(chosen["client_id"], window)
        assert result["o_status"] == "generated", result
        return self.header(result["o_invoice_id"])

    def rows(self, line: Line | None = None) -> list[Row]:
        """Return the live rows in row order, of one line or all, each with its price."""
        cursor = self.database.cursor(row_factory=dict_row)
        return cursor.execute(
            f"SELECT r.*, p.total_price_cents FROM {LEDGER} AS r LEFT JOIN billing.invoice_lines("
            f"%(tenant)s, ARRAY(SELECT l.record_id FROM {LEDGER} AS l WHERE l.tenant = %(tenant)s"
            " AND l.obligation_id = coalesce(%(line)s, l.obligation_id))) AS p USING (record_id)"
            " WHERE r.tenant = %(tenant)s AND r.obligation_id = coalesce(%(line)s, r.obligation_id)"
            " AND r.lifecycle_state NOT IN ('superseded', 'archived')"
            " ORDER BY r.obligation_id, r.service_period_start, r.service_period_end, r.revision",
            {"tenant": self.tenant, "line": line and line.obligation},
        ).fetchall()


def told(rows: list[Row], like: list[Expected]) -> list[Row]:
    """Return of the first rows what is expected of them."""
    return [{name: row[name] for name in like[0].row} for row in rows[: len(like)]]


def covered(row: Row) -> Span:
    """Return the days that a row bills."""
    return (
        row["activity_window_start"] or row["service_period_start"],
        row["activity_window_end"] or row["service_period_end"],
    )


def _columns(name: str, span: Span | None) -> Row:
    start, end = span or (None, None)
    return {f"{name}_start": start, f"{name}_end": end}


def _length(span: Span) -> int:
    return (span[1] - span[0]).days
