"""What a run has come to, in the order of importance for whoever started it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import click

from duecourse import changes, output, surface, tenants
from duecourse.cli import _plan_fate
from duecourse.cli._rehearsal import Planned
from duecourse.cli.orphans import count_after
from duecourse.database import Connection
from duecourse.errors import ExitStatus
from duecourse.operations import OPERATIONS, Operation

_STATUSES = {
    "locked": ExitStatus.LOCK_BUSY,
    "stale_plan": ExitStatus.PLAN_STALE,
    "escalated": ExitStatus.REFUSED,
    "paused": ExitStatus.REFUSED,
    "cancelled": ExitStatus.REFUSED,
}
_NEXT = {
    "locked": "the tenant's lock is held; once it is free, to go on: duecourse resume {key}",
    "stale_plan": "the books changed since the plan; make and review a new one: duecourse plan",
    "partial": "there is more to do; to go on: duecourse resume {key}",
    "paused": "an operator paused it; to go on: duecourse resume {key}",
    "cancelled": "an operator cancelled it; what is committed is kept",
}
_ENDED = ("escalated", "done", "nothing_to_do")


def records(
    connection: Connection, chosen: Operation, arguments: Mapping[str, Any]
) -> dict[UUID, surface.Row]:
    """Return the runs of a key by tenant, of those that the login may see."""
    run = {name: arguments[name] for name in ("tenant", "run_key")}
    run["procedure_name"] = chosen.procedure.rpartition(".")[2]
    with surface.snapshot(connection):
        found = surface.select(connection, "ops.run_records", run)
        return {record["tenant"]: record for record in found}


def of_run(
    connection: Connection,
    operation: str,
    arguments: Mapping[str, Any],
    result: surface.Row,
    begun: Mapping[UUID, surface.Row],
) -> dict[str, Any]:
    """Return the outcome of a CALL, with what it left behind.

    ``begun``: the records of the run before the call; one that had ended did nothing now.
    """
    chosen = OPERATIONS[operation]
    runs = records(connection, chosen, arguments)
    shown = _results(operation, arguments, result)
    shown |= _of_runs(connection, runs, begun)
    if shown["status"] == "escalated":
        shown["new_escalations"] = sum(run["new_escalations"] for run in runs.values())
    if chosen.counts_orphans:
        shown["orphans"] = count_after(connection, arguments["tenant"], arguments["run_key"])
    return shown


def of_records(
    connection: Connection,
    operation: str,
    arguments: Mapping[str, Any],
    ended: Mapping[UUID, surface.Row],
) -> dict[str, Any]:
    """Return the outcome of a run that had ended before; nothing was called."""
    [run] = ended.values()
    result = {"rows": run["rows_written"], "batches": run["batches"], "status": run["status"]}
    shown = _results(operation, {**arguments, "run_key": run["run_key"]}, result)
    return shown | _of_runs(connection, ended, ended) | {"plan_applied": True}


def _of_runs(
    connection: Connection, runs: Mapping[UUID, surface.Row], begun: Mapping[UUID, surface.Row]
) -> dict[str, Any]:
    with surface.snapshot(connection):
        names = tenants.names(connection, list(runs))
    every = [
        {
            "tenant": tenant,
            "tenant_name": names[tenant],
            "status": run["status"],
            "rows": run["rows_written"],
            "counts": run["counts"],
            "new_escalations": run["new_escalations"],
            "plan_hash": run["plan_hash"],
            "role_name": run["role_name"],
            "finished_at": run["finished_at"],
            "ended_before": tenant in begun and begun[tenant]["finished_at"] is not None,
        }
        for tenant, run in runs.items()
    ]
    return {"counts": changes.total([run["counts"] for run in runs.values()]), "tenants": every}


def of_rehearsal(
    connection: Connection,
    operation: str,
    arguments: Mapping[str, Any],
    result: surface.Row,
    plans: list[Planned],
) -> dict[str, Any]:
    """Return what a run would come to, with the reasons of what it would leave for people."""
    chosen = OPERATIONS[operation]
    shown = _results(operation, arguments, result)
    with surface.snapshot(connection):
        names = tenants.names(connection, [plan.tenant for plan in plans])
    shown["tenants"] = []
    for plan in plans:
        left = changes.for_people(chosen, plan.counts)
        whose = {**arguments, "tenant": plan.tenant}
        # What nobody may read counts as new.
        summary = (left and surface.summary(connection, chosen, whose)) or {"new_escalations": left}
        shown["tenants"].append(
            {
                "tenant": plan.tenant,
                "tenant_name": names[plan.tenant],
                "rows": changes.rows(chosen, plan.counts),
                "counts": plan.counts,
                "new_escalations": summary["new_escalations"],
                "reasons": summary.get(next(iter(chosen.breakdowns))) or {},
                "plan_hash": plan.plan_hash,
            }
        )
    shown["counts"] = changes.total([plan.counts for plan in plans])
    if shown["status"] == "escalated":
        shown["new_escalations"] = sum(each["new_escalations"] for each in shown["tenants"])
    return shown


def _results(operation: str, arguments: Mapping[str, Any], result: surface.Row) -> dict[str, Any]:
    shown: dict[str, Any] = {"operation": operation}
    shown |= {name.removeprefix("o_"): value for name, value in result.items()}
    return {**shown, "run_key": arguments["run_key"], "dry_run": arguments["dry_run"]}


def show(
    form: str, operation: str, shown: dict[str, Any], status: ExitStatus, *, is_named: bool
) -> None:
    """Print an outcome; the run key, if it was not typed."""
    if form == "json":
        output.show_json(shown)
        return
    chosen = OPERATIONS[operation]
    if shown.get("stale"):
        _plan_fate.show(chosen, shown["stale"])
        return
    alone = len(shown["tenants"]) == 1
    for each in shown["tenants"]:
        _show_tenant(chosen, shown, each, alone=alone)
    if not alone:
        verb = "would be written" if shown["dry_run"] else "written"
        whole = changes.written(chosen, shown["counts"], verb)
        click.echo(f"{changes.counted(len(shown['tenants']), 'tenant')}: {whole}")
    if not (is_named or shown["dry_run"] or shown.get("plan_applied")):
        click.echo(f"run key: {shown['run_key']}")
    if advice := _NEXT.get(shown["status"]):
        click.echo(advice.format(key=shown["run_key"]))
    for left in shown.get("orphans", ()):
        click.echo(
            f"payments without a rent charge: {left['payment_without_charge']:,}, rent charges "
            f"without a payment: {left['charge_without_payment']:,}; "
            f"see: duecourse orphans --tenant {left['tenant']}"
        )
    if status is ExitStatus.REFUSED and shown["status"] == "escalated":
        new = "" if shown["new_escalations"] == 0 else " once they are known"
        click.echo(f"(exit status {int(status)}; 0 with --allow-known-escalations{new})")


def _show_tenant(
    chosen: Operation, shown: Mapping[str, Any], each: Mapping[str, Any], *, alone: bool
) -> None:
    """Print what was done to the books of one tenant, in a sentence."""
    name = each["tenant_name"]
    counts, new = each["counts"], each["new_escalations"]
    if each.get("ended_before"):
        at = _plan_fate.moment(each["finished_at"])
        run = f"run {shown['run_key']}"
        number = changes.counted(each["rows"], "row")
        line = (
            f"this plan was applied at {at} by {each['role_name']} as {run} ({number})"
            if shown.get("plan_applied")
            else f"{run} ended at {at}, begun by {each['role_name']} ({number})"
        )
        line += "; nothing was written now"
    elif shown["status"] == "stale_plan" and not each["rows"]:
        line = "stale: nothing was written"
    else:
        verb = "would be written" if shown["dry_run"] else "written"
        parts = (changes.written(chosen, counts, verb), changes.left(chosen, counts, new))
        line = "; ".join(filter(None, parts))
    if shown["dry_run"] and not each.get("ended_before"):
        line = f"dry run of {name}: {line}"
    elif not alone:
        line = f"{name}: {line}"
    click.echo(output.visible(line))
    if reasons := each.get("reasons"):
        told = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
        click.echo(output.folded(f"    {told}"))


def exit_status(shown: Mapping[str, Any], *, allow_known: bool, detailed: bool) -> ExitStatus:
    """Return what a run exits with."""
    if shown["tenants"] and all(each.get("ended_before") for each in shown["tenants"]):
        return ExitStatus.DONE
    if allow_known and shown.get("new_escalations") == 0:
        return ExitStatus.DONE
    if detailed and shown["dry_run"] and shown["rows"]:
        return ExitStatus.CHANGES_PENDING
    return _STATUSES.get(shown["status"], ExitStatus.DONE)
