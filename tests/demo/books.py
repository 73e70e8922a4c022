"""Books in the making: rows of the tables of a folder that ``duecourse import`` reads."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

#: A folder of books has its files in this order.
FILES = (
    "tenants",
    "service_types",
    "service_catalog",
    "clients",
    "client_billing_settings",
    "client_billing_profiles",
    "client_billing_cycles",
    "contracts",
    "client_contracts",
    "contract_lines",
    "contract_line_service_configuration",
    "invoices",
    "invoice_charges",
    "invoice_charge_details",
    "recurring_service_periods",
)

#: What the first characters of an id say it is the id of.
KINDS = {
    "tenant": "a1de",
    "service_type": "57e0",
    "service": "5e00",
    "client": "c100",
    "profile": "bf00",
    "cycle": "cc00",
    "contract": "c000",
    "assignment": "a500",
    "line": "1100",
    "config": "cf00",
    "invoice": "1400",
    "charge": "c400",
    "detail": "de00",
    "record": "ec00",
}

START = "2026-08-01"
HORIZON = "2027-04-01"
PRICE = 45000

Row = dict[str, Any]
Period = tuple[str, str]


def make_id(kind: str, number: int) -> str:
    """Return an id that is easy to recognise in a table."""
    return f"{KINDS[kind]}0000-0000-4000-8000-{number:012d}"


TENANT = make_id("tenant", 1)


def after(day: str, months: int = 1) -> str:
    """Return the same day so many months later."""
    year, month = divmod(int(day[:4]) * 12 + int(day[5:7]) - 1 + months, 12)
    return f"{year}-{month + 1:02d}-{day[8:]}"


def periods(start: str = START, end: str = HORIZON, months: int = 1) -> list[Period]:
    """Return the periods between two days, of so many months each."""
    days = [start]
    while days[-1] < end:
        days.append(after(days[-1], months))
    return list(pairwise(days))


def midnight(day: str | None) -> str | None:
    return day and f"{day} 00:00:00+00"


class Books:
    """The tables of the books, filled line by line."""

    def __init__(self) -> None:
        self.tables: dict[str, list[Row]] = {name: [] for name in FILES}
        self.add("tenants", client_name="Alder Row IT Services")
        for number, name in enumerate(("Managed service", "Support hours"), 1):
            self.add("service_types", id=make_id("service_type", number), name=name)
            self.add(
                "service_catalog",
                service_id=make_id("service", number),
                service_name=name,
                default_rate=PRICE,
                billing_method=("fixed", "hourly")[number - 1],
                custom_service_type_id=make_id("service_type", number),
                item_kind="service",
                is_license="f",
                is_active="t",
            )

    def add(self, table: str, **fields: Any) -> Row:
        """Add a row to a table."""
        self.tables[table].append({"tenant": TENANT, **fields})
        return self.tables[table][-1]

    def next_id(self, kind: str, table: str) -> str:
        """Return the id of the next row of a table."""
        return make_id(kind, len(self.tables[table]) + 1)

    def client(
        self,
        name: str,
        cycle: str = "monthly",
        *,
        day: int | None = 1,
        month: int | None = None,
        reference: str | None = None,
    ) -> str:
        """Add a client with its billing cycle and anchors; return its id."""
        client = self.next_id("client", "clients")
        self.add(
            "clients",
            client_id=client,
            client_name=name,
            billing_cycle=cycle,
            is_inactive="f",
            timezone="UTC",
            lifecycle_status="active",
            default_currency_code="EUR",
        )
        self.add(
            "client_billing_settings",
            client_id=client,
            zero_dollar_invoice_handling="normal",
            suppress_zero_dollar_invoices="f",
            billing_cycle_anchor_day_of_month=day,
            billing_cycle_anchor_month_of_year=month,
            billing_cycle_anchor_day_of_week=None,
            billing_cycle_anchor_reference_date=reference,
        )
        self.add(
            "client_billing_profiles",
            billing_profile_id=make_id("profile", len(self.tables["clients"])),
            client_id=client,
            name="Default",
            is_default="t",
            is_system_managed_default="t",
            is_active="t",
            bills_separately="f",
            billing_cycle=None,
        )
        return client

    def cycles(self, client: str, spans: Iterable[tuple[str, str | None]]) -> None:
        """Add billing cycles as they are stored, times included."""
        for start, end in spans:
            self.add(
                "client_billing_cycles",
                billing_cycle_id=self.next_id("cycle", "client_billing_cycles"),
                client_id=client,
                billing_cycle="monthly",
                effective_date=start,
                period_start_date=start,
                period_end_date=end,
                is_active="t",
                billing_profile_id=make_id("profile", int(client[-12:])),
            )

    def line(
        self,
        client: str,
        name: str,
        *,
        start: str = START,
        end: str | None = None,
        kind: str = "Fixed",
        frequency: str = "monthly",
        timing: str = "advance",
        owner: str = "client",
        line_active: str = "t",
        assignment_active: str = "t",
        assignments: int = 1,
        system_managed: str = "f",
    ) -> Row:
        """Add a contract line with a contract of its own; return the line."""
        contract = self.next_id("contract", "contracts")
        self.add(
            "contracts",
            contract_id=contract,
            contract_name=name.partition(" (")[0],
            billing_frequency=frequency,
            is_active="t",
            status="active",
            is_template="f",
            owner_client_id=client,
            is_system_managed_default=system_managed,
            currency_code="EUR",
            start_date=midnight(start),
            end_date=midnight(end),
        )
        for _ in range(assignments):
            self.add(
                "client_contracts",
                client_contract_id=self.next_id("assignment", "client_contracts"),
                client_id=client,
                contract_id=contract,
                start_date=start,
                end_date=end,
                is_active=assignment_active,
                status="active",
                billing_profile_id=None,
            )
        line = self.add(
            "contract_lines",
            contract_line_id=self.next_id("line", "contract_lines"),
            contract_line_name=name,
            contract_id=contract,
            contract_line_type=kind,
            billing_frequency=frequency,
            billing_timing=timing,
            cadence_owner=owner,
            is_active=line_active,
            is_template="f",
            display_order=0,
            custom_rate=None,
            enable_proration="t",
            billing_cycle_alignment="start",
            billing_profile_id=None,
        )
        self.add(
            "contract_line_service_configuration",
            config_id=make_id("config", len(self.tables["contract_lines"])),
            contract_line_id=line["contract_line_id"],
            service_id=make_id("service", 1 + (kind == "Hourly")),
            configuration_type=kind,
            custom_rate=f"{PRICE}.00",
            quantity=1,
        )
        return line

    def row(self, line: Row, period: Period, **changes: Any) -> Row:
        """Add a ledger row as it would have been materialized, but for the changes."""
        owner = changes.get("cadence_owner", line["cadence_owner"])
        timing = changes.get("due_position", line["billing_timing"])
        kind = "client_contract_line" if owner == "client" else "contract_line"
        start, end = period
        window = period if timing == "advance" else (end, after(end))
        key = f"schedule:{TENANT}:{kind}:{line['contract_line_id']}:{owner}:{timing}"
        anchor = f'{{"anchorDate": "{self.assignment(line)["start_date"]}T00:00:00Z", '
        fields = {
            "record_id": self.next_id("record", "recurring_service_periods"),
            "schedule_key": key,
            "period_key": f"period:{start}:{end}",
            "revision": 1,
            "obligation_id": line["contract_line_id"],
            "obligation_type": kind,
            "charge_family": line["contract_line_type"].lower(),
            "cadence_owner": owner,
            "due_position": timing,
            "lifecycle_state": "generated",
            "service_period_start": start,
            "service_period_end": end,
            "invoice_window_start": window[0],
            "invoice_window_end": window[1],
            "activity_window_start": None,
            "activity_window_end": None,
            "timing_metadata": anchor + '"boundarySource": "assignment_start_date"}'
            if owner == "contract"
            else None,
            "provenance_kind": "generated",
            "source_rule_version": "initial",
            "reason_code": "initial_materialization",
            "source_run_key": "go-live",
            "supersedes_record_id": None,
            "created_at": "2026-07-20 09:00:00+00",
            "updated_at": "2026-07-20 09:00:00+00",
            "invoice_id": None,
            "invoice_charge_id": None,
            "invoice_charge_detail_id": None,
            "invoice_linked_at": None,
        }
        return self.add("recurring_service_periods", **(fields | changes))

    def assignment(self, line: Row) -> Row:
        """Return the first assignment of a line's contract."""
        assignments = self.tables["client_contracts"]
        return next(row for row in assignments if row["contract_id"] == line["contract_id"])

    def line_of(self, row: Row) -> Row:
        """Return the contract line of a ledger row."""
        return self.tables["contract_lines"][int(row["obligation_id"][-12:]) - 1]

    def revise(self, row: Row, period: Period, state: str, reason: str, **changes: Any) -> Row:
        """Replace a row as a user does: supersede it, add its next revision."""
        line = self.line_of(row)
        row["lifecycle_state"] = "superseded"
        defaults = {
            "period_key": row["period_key"],
            "revision": row["revision"] + 1,
            "lifecycle_state": state,
            "provenance_kind": "user_edited",
            "reason_code": reason,
            "supersedes_record_id": row["record_id"],
        }
        return self.row(line, period, **(defaults | changes))

    def invoice(self, line: Row, period: Period, day: str, last_day: str | None = None) -> Row:
        """Invoice a period of a line; return the linkage of the row that it bills."""
        assignment = self.assignment(line)
        invoice = self.next_id("invoice", "invoices")
        number = int(invoice[-12:])
        start, end = period
        self.add(
            "invoices",
            invoice_id=invoice,
            invoice_number=f"ALD-{number:04d}",
            invoice_date=midnight(day),
            due_date=midnight(str(date.fromisoformat(day) + timedelta(14))),
            total_amount=PRICE,
            status="paid",
            billing_period_start=start,
            billing_period_end=end,
            subtotal=PRICE,
            tax=0,
            finalized_at=midnight(day),
            billing_cycle_id=None,
            is_manual="f",
            client_id=assignment["client_id"],
            currency_code="EUR",
            client_contract_id=assignment["client_contract_id"],
            billing_profile_id=None,
        )
        service = make_id("service", 1 + (line["contract_line_type"] == "Hourly"))
        self.add(
            "invoice_charges",
            item_id=make_id("charge", number),
            invoice_id=invoice,
            service_id=service,
            description=f"{line['contract_line_name'].partition(' (')[0]} from {start}",
            quantity=1,
            unit_price=PRICE,
            total_price=PRICE,
            tax_rate=0,
            is_manual="f",
            client_contract_id=assignment["client_contract_id"],
            billing_profile_id=None,
            billing_profile_source=None,
        )
        self.add(
            "invoice_charge_details",
            item_detail_id=make_id("detail", number),
            item_id=make_id("charge", number),
            service_id=service,
            config_id=make_id("config", int(line["contract_line_id"][-12:])),
            quantity=1,
            rate=PRICE,
            service_period_start=start,
            service_period_end=last_day or str(date.fromisoformat(end) - timedelta(1)),
            billing_timing=line["billing_timing"],
        )
        return {
            "lifecycle_state": "billed",
            "invoice_id": invoice,
            "invoice_charge_id": make_id("charge", number),
            "invoice_charge_detail_id": make_id("detail", number),
            "invoice_linked_at": f"{day} 08:00:00+00",
        }

    def bill(self, row: Row, day: str | None = None, last_day: str | None = None) -> None:
        """Invoice a ledger row and link it."""
        line = self.line_of(row)
        period = row["service_period_start"], row["service_period_end"]
        row |= self.invoice(line, period, day or row["invoice_window_start"], last_day)
