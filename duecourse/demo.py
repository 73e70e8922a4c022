"""The demo: the steps from an empty database to a plan with nothing left in it.

Each step runs the functions of its command. What it shows is named by the lines of the books, not
by their ids.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from duecourse import migrate, surface
from duecourse.book_files import find_files
from duecourse.books import import_books
from duecourse.config import load
from duecourse.database import Connection
from duecourse.sample_books import AS_OF, SAMPLE, TENANT, line_names

_OPTIONS = f"--tenant {TENANT} --as-of {AS_OF}"
#: What makes the SQL of the steps run as it is shown.
PSQL_VARIABLES = f"\\set tenant {TENANT}\n\\set as_of {AS_OF}"

_DONE = {"backfill": "made", "regenerate": "replaced", "supersede": "superseded"}


@dataclass(frozen=True)
class Table:
    """Columns and rows to show."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]


@dataclass(frozen=True)
class Outcome:
    """What came out of a step: a sentence or two, and tables."""

    summary: str
    tables: list[Table] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """A step: what it is for, what one would type for it in a shell or in psql, and the doing."""

    title: str
    about: str
    command: str
    sql: str
    run: Callable[[], Outcome]
    writes: bool = False


class Demo:
    """The steps, on a database where nothing is applied yet."""

    def __init__(self, dsn: str, connection: Connection) -> None:
        self._dsn = dsn
        self._connection = connection
        self._config = load()
        self._names = line_names()
        self._role = connection.info.user
        self._scope = {"tenant": TENANT, "as_of": AS_OF}
        self._plan = {**self._scope, "mode": "backfill"}
        self._summary: surface.Row = {}

    def steps(self) -> list[Step]:
        """Return the steps in their order; each builds on those before it."""
        return [
            Step(
                "Apply",
                "Tables come from migrations (yoyo); functions and procedures are created again "
                "whenever their text changes. A second apply changes nothing.",
                "duecourse apply",
                "",
                self._apply,
            ),
            Step(
                "Import the books",
                "An invented company, Alder Row IT Services: each of its contract lines says in "
                "brackets what is wrong with it. Nothing is dropped: a row that breaks a rule of "
                "the ledger is kept in quarantine. Its operators need permissions, but no right "
                "on any table; here the owner works alone.",
                f"duecourse import --sample\nduecourse grant {self._role} --tenant {TENANT}",
                f"CALL {self._config.identifiers['ops']}.grant_permission("
                "p_tenant => :'tenant', p_role_name => current_user::text);",
                self._import,
            ),
            Step(
                "Assess coverage",
                f"Periods should exist half a year ahead of {AS_OF}, without gaps or overlaps.",
                f"duecourse coverage {_OPTIONS}",
                self._sql("SELECT * FROM", "assess_coverage"),
                self._assess,
            ),
            Step(
                "Plan",
                "What a repair would do, in a transaction that the database holds read-only. The "
                "hash stands for this very plan.",
                f"duecourse plan backfill {_OPTIONS} --rows --out plan.json",
                self._sql("SELECT * FROM", "plan_summary", p_mode="'backfill'")
                + "\n"
                + self._sql("SELECT * FROM", "plan_service_periods", p_mode="'backfill'"),
                self._show_plan,
            ),
            Step(
                "Look at the escalations",
                "Schedules that must not be repaired by force. Some can be accepted once they are "
                "reviewed; for the others the source has to be corrected first.",
                f"duecourse escalations {_OPTIONS}",
                self._sql("SELECT * FROM", "escalations"),
                self._escalations,
            ),
            Step(
                "Repair",
                "Batch by batch, each committed, and only if the plan is still the one reviewed. "
                "Escalated schedules are left alone.",
                "duecourse run backfill --plan plan.json",
                self._reviewed_call("p_expected_plan_hash"),
                self._repair,
                writes=True,
            ),
            Step(
                "Accept what was reviewed",
                "Someone has looked at the overrides, the gap and the overlap: the hash of the "
                "plan lets them through. Overrides stay as they are; what was accepted does not "
                "escalate again.",
                f"duecourse run backfill {_OPTIONS} --accept-escalations HASH",
                self._reviewed_call("p_accept_escalations"),
                self._accept,
                writes=True,
            ),
            Step(
                "Verify",
                "Every check reads the ledger and what surrounds it; no row means healthy. What is "
                "escalated stays an error until its source is corrected; warnings are about what "
                "was invoiced or imported so, and is kept.",
                f"duecourse verify {_OPTIONS}",
                self._sql("SELECT * FROM", "ops.verify"),
                self._verify,
            ),
            Step(
                "Run again",
                "A second run finds nothing to write, and nothing that it had not escalated.",
                f"duecourse run backfill {_OPTIONS} --allow-known-escalations",
                self._sql("CALL", "backfill_service_periods"),
                self._again,
                writes=True,
            ),
        ]

    def _apply(self) -> Outcome:
        done = migrate.apply(self._dsn)
        again = migrate.apply(self._dsn)
        return Outcome(
            f"{len(done.migrations)} migrations and {len(done.objects)} objects applied; the "
            f"second time {len(again.migrations)} and {len(again.objects)}."
        )

    def _import(self) -> Outcome:
        files, _ = find_files(self._connection, self._config, SAMPLE)
        rejects = Path("duecourse-import-rejects.csv")
        summary = import_books(self._connection, self._config, files, rejects=rejects)
        grant = {"tenant": TENANT, "role_name": self._role}
        granted = surface.call(self._connection, "ops.grant_permission", grant)
        rows = [(name, counts["read"], counts["new"]) for name, counts in summary["tables"].items()]
        held = (f"{count} {reason}" for reason, count in sorted(summary["quarantined"].items()))
        return Outcome(
            f"In quarantine: {', '.join(held)}. Permissions granted: {granted['o_rows']}.",
            [Table(("table", "read", "new"), rows)],
        )

    def _assess(self) -> Outcome:
        schedules = self._select("assess_coverage", self._scope)
        rows = [
            (
                self._name(row),
                row["furthest_generated_end"],
                row["target_horizon_end"],
                ", ".join(
                    f"{issue['kind']} at {issue['next_start']}"
                    for issue in row["continuity_issues"]
                ),
            )
            for row in schedules
            if _falls_short(row)
        ]
        return Outcome(
            f"{len(rows)} of {len(schedules)} schedules stop short or are broken.",
            [Table(("line", "reaches", "should reach", "continuity"), rows)],
        )

    def _show_plan(self) -> Outcome:
        [self._summary] = self._select("plan_summary", self._plan)
        found = self._summary
        return Outcome(
            f"Of {found['schedules']} schedules {found['schedules_written']} would be written, "
            f"{found['schedules_nothing_to_do']} need nothing, {found['schedules_escalated']} are "
            f"escalated, {found['schedules_not_an_obligation']} is no obligation. "
            f"Hash {found['plan_hash']}.",
            [self._changes(self._select("plan_service_periods", self._plan))],
        )

    def _escalations(self) -> Outcome:
        found = self._select("escalations", self._scope)
        rows = [(self._name(row), row["reason"], row["acceptable"], row["hint"]) for row in found]
        return Outcome(
            f"{sum(row['acceptable'] for row in found)} can be accepted, "
            f"{sum(not row['acceptable'] for row in found)} cannot.",
            [Table(("line", "reason", "acceptable", "what to do"), rows)],
        )

    def _repair(self) -> Outcome:
        return self._run(expected_plan_hash=self._summary["plan_hash"])

    def _accept(self) -> Outcome:
        [found] = self._select("plan_summary", self._plan)
        changes = self._select("plan_service_periods", {**self._plan, "assume_accepted": True})
        done = self._run(accept_escalations=found["plan_hash"])
        return Outcome(done.summary, [self._changes(changes)])

    def _verify(self) -> Outcome:
        found = Counter(
            (row["severity"], row["check_name"]) for row in self._select("ops.verify", self._scope)
        )
        errors = sum(count for (severity, _), count in found.items() if severity == "error")
        rows = [(*finding, count) for finding, count in sorted(found.items())]
        return Outcome(
            f"{errors} errors, {found.total() - errors} warnings.",
            [Table(("severity", "check", "findings"), rows)],
        )

    def _again(self) -> Outcome:
        done = self._run()
        [found] = self._select("plan_summary", self._plan)
        schedules = self._select("assess_coverage", self._scope)
        left = [
            (self._name(row), row["reason"], row["hint"])
            for row in self._select("escalations", self._scope)
        ]
        return Outcome(
            f"{done.summary} {sum(map(_falls_short, schedules))} of {len(schedules)} schedules "
            f"still stop short or are broken. New escalations: {found['new_escalations']}; left "
            f"for people, because no repair by force would be right: {len(left)}.",
            [Table(("line", "reason", "what to do"), left)],
        )

    def _run(self, **arguments: str) -> Outcome:
        result = surface.call(
            self._connection, "backfill_service_periods", {**self._scope, **arguments}
        )
        return Outcome(
            f"{result['o_rows']} rows written, batches: {result['o_batches']}, "
            f"status: {result['o_status']}."
        )

    def _select(self, function: str, arguments: surface.Arguments) -> list[surface.Row]:
        with surface.snapshot(self._connection):
            return list(surface.select(self._connection, function, arguments))

    def _changes(self, plan: Iterable[surface.Row]) -> Table:
        """Count by line the rows of a plan that change something."""
        counts: dict[str, Counter[str]] = {}
        for row in plan:
            if row["action"] in _DONE:
                counts.setdefault(self._name(row), Counter())[row["action"]] += 1
        rows = [(name, *(found[action] for action in _DONE)) for name, found in counts.items()]
        return Table(("line", *_DONE.values()), rows)

    def _name(self, row: surface.Row) -> str:
        """Return the client and the line of a row; a line that is gone has only its id."""
        return self._names.get(str(row["obligation_id"]), f"line {row['obligation_id']}")

    def _sql(self, verb: str, routine: str, **arguments: str) -> str:
        given = {"p_tenant": ":'tenant'", "p_as_of": ":'as_of'", **arguments}
        named = ", ".join(f"{name} => {value}" for name, value in given.items())
        schema, name = routine.split(".") if "." in routine else ("billing", routine)
        return f"{verb} {self._config.identifiers[schema]}.{name}({named});"

    def _reviewed_call(self, parameter: str) -> str:
        query = self._sql("SELECT plan_hash FROM", "plan_summary", p_mode="'backfill'")
        call = self._sql("CALL", "backfill_service_periods", **{parameter: ":'plan_hash'"})
        return query.removesuffix(";") + " \\gset\n" + call


def _falls_short(schedule: surface.Row) -> bool:
    return bool(schedule["continuity_issues"] or not schedule["meets_target_horizon"])
