"""What ``duecourse plan`` and ``duecourse run`` do under each name."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Operation:
    """The routines of an operation, the arguments that decide its plan, and how that is shown."""

    procedure: str
    summary: str
    rows: str
    planned: tuple[str, ...]
    #: The counts of the summary that say whether there is work.
    pending: tuple[str, ...]
    #: Titles of the table of rows, with the columns whose first value stands there.
    columns: Mapping[str, str]
    #: The actions that leave a row as it is.
    quiet: tuple[str, ...]
    #: Columns of the summary that count by kind, with the titles of that table.
    breakdowns: Mapping[str, tuple[str, str]]
    #: What to say when something was left alone.
    left_alone: str
    #: The reading that tells the plan as a psql script.
    script: str
    #: Whether a run counts the charges and payments that are left without a counterpart.
    counts_orphans: bool = False
    #: Whether the rows of a script tell its run, and what was reviewed decides them.
    script_tells_run: bool = False
    #: Arguments of the readings that the operation itself decides.
    fixed: Mapping[str, str] = field(default_factory=dict)


def _of_service_periods(mode: str) -> Operation:
    return Operation(
        procedure=f"{mode}_service_periods",
        summary="plan_summary",
        rows="plan_service_periods",
        planned=(
            "tenant",
            "as_of",
            "client_id",
            "schedule_key",
            "target_horizon_days",
            "replenishment_threshold_days",
            "max_periods_per_schedule",
        ),
        pending=("schedules_written",),
        columns={
            "obligation": "obligation_id",
            "action": "action",
            "service period": "service_period_start",
            "up to": "service_period_end",
            "because of": "conflict_kind escalation_reasons",
        },
        quiet=("skip_historical", "retain", "unchanged", "preserve"),
        breakdowns={"escalations": ("escalated because of", "schedules")},
        left_alone="some schedules were left alone; see: duecourse escalations",
        script="plan_script",
        script_tells_run=True,
        fixed={"mode": mode},
    )


OPERATIONS = {mode: _of_service_periods(mode) for mode in ("backfill", "regenerate", "replenish")}
OPERATIONS["linkage"] = Operation(
    procedure="repair_invoice_linkage",
    summary="linkage_repair_summary",
    rows="plan_linkage_repair",
    planned=("tenant", "as_of", "client_id", "schedule_key"),
    pending=("reopened", "relinked"),
    columns={
        "record": "record_id",
        "action": "action",
        "because of": "reason",
    },
    quiet=(),
    breakdowns={"escalations": ("reported because of", "schedules")},
    left_alone="some rows are only reported; see: duecourse plan linkage --rows",
    script="linkage_script",
)
OPERATIONS["charges"] = Operation(
    procedure="ledger.backfill_charges",
    summary="ledger.charge_backfill_summary",
    rows="ledger.plan_charge_backfill",
    planned=("tenant", "amount_rule"),
    pending=("to_create",),
    columns={
        "renter": "tenant_user_id",
        "unit": "unit_id",
        "period": "billing_period",
        "action": "action",
        "cents": "amount_cents",
        "currency": "currency",
        "difference": "delta_cents",
        "because of": "quarantine_reason warnings",
    },
    quiet=("already_charged",),
    breakdowns={
        "quarantine_reasons": ("quarantined because of", "keys"),
        "warnings": ("warning", "charges"),
    },
    left_alone="some payments were left in quarantine; see: duecourse plan charges --rows",
    script="ledger.charge_backfill_script",
    counts_orphans=True,
)
OPERATIONS["rent"] = Operation(
    procedure="ledger.post_rent",
    summary="ledger.rent_summary",
    rows="ledger.plan_rent",
    planned=("tenant", "as_of", "through"),
    pending=("to_create",),
    columns={
        "renter": "tenant_user_id",
        "unit": "unit_id",
        "period": "billing_period",
        "action": "action",
        "cents": "amount_cents",
        "currency": "currency",
        "from": "effective_on",
        "days": "covered_days",
        "because of": "quarantine_reason warnings",
    },
    quiet=("already_charged",),
    breakdowns={
        "quarantine_reasons": ("quarantined because of", "keys"),
        "warnings": ("warning", "charges"),
    },
    left_alone="some months were left in quarantine; see: duecourse plan rent --rows",
    script="ledger.rent_script",
)
