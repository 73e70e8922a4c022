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
    #: What is planned: its name, the count of those that change, and the count of all.
    changing: tuple[str, str, str]
    #: The counts of rows that a run writes: the mark of each, and what becomes of these rows.
    written: Mapping[str, tuple[str, str]]
    #: The counts of rows that stay, and what they are called.
    kept: tuple[tuple[str, ...], str]
    #: The counts that add up to the live rows that the plan has looked at.
    live: tuple[str, ...]
    #: What is left for people is counted in these.
    unit: str
    #: Titles of the table of rows, with the columns whose first value stands there.
    columns: Mapping[str, str]
    #: The columns that tell a schedule, or an account, from others; the rows of one come together.
    key: tuple[str, ...]
    #: Columns that most rows of one have in common: told once, and of a row where it differs.
    shared: tuple[str, ...]
    #: The days, or the month, of a row.
    when: str
    #: What is told of a row that stays, beside its days.
    kept_by: tuple[str, ...]
    #: What of a row that changes the plan hash covers, and what is told beside that. Of a column
    #: without _start and _end both are meant.
    hashed: tuple[str, ...]
    beside: tuple[str, ...]
    #: The mark of each action, and what becomes of such a row.
    actions: Mapping[str, tuple[str, str]]
    #: The actions that leave a row as it is.
    quiet: tuple[str, ...]
    #: Columns of the summary that count by kind, with the titles of that table.
    breakdowns: Mapping[str, tuple[str, str]]
    #: The command that shows what was left for people.
    people: str
    #: The reading that tells the plan as a psql script.
    script: str
    #: The count of the cents that a run charges.
    cents: str | None = None
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
        changing=("schedule", "schedules_written", "schedules"),
        written={
            "backfilled": ("+", "made"),
            "regenerated": ("~", "replaced"),
            "superseded": ("-", "superseded"),
        },
        kept=(("retained", "unchanged"), "kept"),
        live=("retained", "unchanged", "preserved", "superseded", "escalated_rows"),
        unit="schedule",
        columns={
            "schedule": "name",
            "": "mark",
            "service period": "service_period",
            "because of": "conflict_kind escalation_reasons",
        },
        key=("obligation_id",),
        shared=("client_id", "schedule_key", "charge_family", "escalation_reasons"),
        when="service_period",
        kept_by=("revision",),
        hashed=("action", "proposed_action", "conflict_kind", "revision"),
        beside=("invoice_window", "activity_window", "supersedes_record_id"),
        actions={
            "backfill": ("+", "made"),
            "regenerate": ("~", "replaced"),
            "supersede": ("-", "superseded"),
            "retain": ("=", "history"),
            "unchanged": ("=", "kept"),
            "preserve": ("=", "preserved"),
            "conflict": ("!", "in conflict"),
            "escalate": ("!", "for people"),
        },
        quiet=("skip_historical", "retain", "unchanged", "preserve"),
        breakdowns={"escalations": ("escalated because of", "schedules")},
        people="duecourse escalations",
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
    changing=("schedule", "schedules_written", "schedules"),
    written={"reopened": ("~", "reopened"), "relinked": ("~", "relinked")},
    kept=((), "kept"),
    live=(),
    unit="schedule",
    columns={
        "record": "record_id",
        "action": "action",
        "because of": "reason",
    },
    key=("obligation_id",),
    shared=("client_id", "schedule_key"),
    when="period_key",
    kept_by=(),
    hashed=("record_id", "action", "problem"),
    beside=("invoice_id", "invoice_charge_id", "invoice_charge_detail_id", "reason"),
    actions={
        "reopen": ("~", "reopened"),
        "relink": ("~", "relinked"),
        "report": ("!", "for people"),
    },
    quiet=(),
    breakdowns={"escalations": ("reported because of", "schedules")},
    people="duecourse plan linkage --rows",
    script="linkage_script",
)
_OF_CHARGES = {
    "create": ("+", "made"),
    "already_charged": ("=", "charged already"),
    "quarantine": ("!", "for people"),
}

OPERATIONS["charges"] = Operation(
    procedure="ledger.backfill_charges",
    summary="ledger.charge_backfill_summary",
    rows="ledger.plan_charge_backfill",
    planned=("tenant", "amount_rule"),
    changing=("month", "to_create", "keys_with_payments"),
    written={"to_create": ("+", "made")},
    kept=(("already_charged",), "charged already"),
    live=("already_charged",),
    unit="account",
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
    key=("tenant_user_id", "unit_id"),
    shared=(),
    when="billing_period",
    kept_by=(),
    hashed=("action", "quarantine_reason", "amount_cents", "currency", "effective_on"),
    beside=("warnings", "covered_days", "period_days", "delta_cents", "payment_ids"),
    actions=_OF_CHARGES,
    quiet=("already_charged",),
    breakdowns={
        "quarantine_reasons": ("quarantined because of", "keys"),
        "warnings": ("warning", "charges"),
    },
    script="ledger.charge_backfill_script",
    people="duecourse plan charges --rows",
    cents="charges_cents",
    counts_orphans=True,
)
OPERATIONS["rent"] = Operation(
    procedure="ledger.post_rent",
    summary="ledger.rent_summary",
    rows="ledger.plan_rent",
    planned=("tenant", "as_of", "through"),
    changing=("month", "to_create", "keys"),
    written={"to_create": ("+", "made")},
    kept=(("already_charged",), "charged already"),
    live=("already_charged",),
    unit="account",
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
    key=("tenant_user_id", "unit_id"),
    shared=(),
    when="billing_period",
    kept_by=(),
    hashed=("action", "quarantine_reason", "amount_cents", "currency", "effective_on"),
    beside=("warnings", "covered_days", "period_days"),
    actions=_OF_CHARGES,
    quiet=("already_charged",),
    breakdowns={
        "quarantine_reasons": ("quarantined because of", "keys"),
        "warnings": ("warning", "charges"),
    },
    script="ledger.rent_script",
    people="duecourse plan rent --rows",
    cents="charges_cents",
)
