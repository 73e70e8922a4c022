"""Of one tenant, no routine touches a partition that cannot hold the tenant; all say the same."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb
from pytest_postgresql.executors import NoopExecutor

from duecourse.book_files import find_files
from duecourse.books import import_books
from duecourse.config import Config
from duecourse.objects import checks
from duecourse.sample_books import SAMPLES, TENANT
from tests.charges.runs import perform
from tests.charges.stripe_events import intent
from tests.conftest import clone
from tests.engine.shards import World, cut_everything, steady
from tests.invoices.books import LATE, Billing
from tests.service_periods.books import APRIL, AS_OF, FEBRUARY, MARCH
from tests.service_periods.edits import months
from tests.test_readings import READINGS, Scene

#: What touches others' partitions and is asked of no tenant, each with why.
HARMLESS = {
    "billing.check_catalog_drift": "it prints the catalog, and each table of it",
    "billing.check_permission_excess": "what a role may do is explained by any tenant's permission",
    "ops._grant_routines": "a role is granted what it may do for any tenant",
}

#: The check whose statements look at no row of a tenant.
IN_THE_CATALOG = {"catalog_drift"}

Step = Callable[[Scene], Any]


def _ask(verb: str, **more: object) -> Step:
    """Return a step that asks something of the last run, which has batches left."""

    def ask(scene: Scene) -> Any:
        key = f"for {verb}"
        scene.books.call(as_of=LATE, run_key=key, batch_size=1, max_batches=1)
        return _call(scene, f"ops.{verb}_run", run_key=key, reason="asked", **more)

    return ask


def _call(scene: Scene, routine: str, **given: object) -> Any:
    """CALL a routine of any schema for the tenant."""
    values = {"tenant": scene.books.tenant, **given}
    named = ", ".join(f"p_{name} => %({name})s" for name in values)
    cursor = scene.database.execute(f"CALL {routine}({named})".encode(), values)
    return cursor.fetchall() if cursor.description else []


def _generated(scene: Scene) -> UUID:
    """Generate an invoice of a line of its own."""
    line = scene.books.priced()
    scene.books.call(client_id=line.client)
    invoice: UUID = scene.books.generate(line.client)["o_invoice_id"]
    return invoice


def _change(verb: str, **given: object) -> Step:
    """Return a step that changes a February by hand."""
    return lambda s: s.books.perform(
        f"{verb}_service_period",
        record_id=months(s.books).february,
        reason="by hand",
        **given,
    )


def _withdraw(verb: str) -> Step:
    """Return a step that takes an invoice back."""
    return lambda s: s.books.perform(f"{verb}_invoice", invoice_id=_generated(s), reason="wrong")


_WINDOW = {"invoice_window_start": MARCH, "invoice_window_end": APRIL}

#: Every CALL for a tenant, in an order in which each has something to do.
CALLS: dict[str, Step] = {
    "billing.backfill_service_periods": lambda s: s.books.call(as_of=LATE),
    "billing.regenerate_service_periods": lambda s: s.books.call("regenerate", as_of=LATE),
    "billing.replenish_service_periods": lambda s: s.books.call("replenish", as_of=LATE),
    "billing.edit_service_period": _change("edit", **_WINDOW),
    "billing.defer_service_period": _change("defer", **_WINDOW),
    "billing.skip_service_period": _change("skip"),
    "billing.archive_service_period": _change("archive"),
    "billing.retire_schedule": lambda s: s.books.perform(
        "retire_schedule",
        schedule_key=months(s.books).line.schedule_key,
        as_of=FEBRUARY,
        reason="ended",
    ),
    "billing.generate_invoice": lambda s: s.books.lines(_generated(s)),
    "billing.delete_invoice": _withdraw("delete"),
    "billing.reverse_invoice": _withdraw("reverse"),
    "billing.repair_invoice_linkage": lambda s: s.books.perform(
        "repair_invoice_linkage", as_of=AS_OF
    ),
    "billing.advance_billing_cycles": lambda s: s.books.perform(
        "advance_billing_cycles", as_of=LATE
    ),
    "billing.attest_cutover_step": lambda s: s.books.perform(
        "attest_cutover_step", step=1, note="seen"
    ),
    "ledger.post_charge": lambda s: s.owner.post(
        type="one_time", description="Keys", effective_on="2026-05-04"
    ),
    "ledger.reverse_charge": lambda s: s.owner.reverse(
        s.owner.post(type="late_fee", description="Late", effective_on="2026-05-05"),
        effective_on="2026-05-06",
    ),
    "ledger.record_payment": lambda s: s.owner.record(),
    "ledger.refund_payment": lambda s: s.owner.refund(s.owner.payment(), 500),
    "ledger.correct_payment": lambda s: s.owner.correct(s.owner.payment(), amount_cents=900),
    "ledger.move_payment": lambda s: s.owner.move(s.owner.payment(), billing_period="2026-04"),
    "ledger.set_stripe_settings": lambda s: _call(s, "ledger.set_stripe_settings", livemode=False),
    "ledger.ingest_stripe_event": lambda s: _call(
        s, "ledger.ingest_stripe_event", event=Jsonb(intent("pi_1", id="evt_1"))
    ),
    "ledger.replay_stripe_events": lambda s: _call(s, "ledger.replay_stripe_events"),
    "ledger.backfill_charges": lambda s: perform(s.owner, "backfill_charges"),
    "ledger.post_rent": lambda s: perform(s.owner, "post_rent", as_of=LATE),
    "ops.pause_run": _ask("pause"),
    "ops.resume_run": _ask("resume"),
    "ops.cancel_run": _ask("cancel"),
    "ops.revert_run": _ask("revert"),
    "ops.waive_check": lambda s: _call(
        s, "ops.waive_check", check_name="row_overlap", reason="agreed", until=LATE
    ),
    "ops.end_waiver": lambda s: _call(s, "ops.end_waiver", check_name="coverage"),
    "ops.record_checks": lambda s: _call(
        s,
        "ops.record_checks",
        as_of=AS_OF,
        results=Jsonb(
            [
                {
                    "check_name": "coverage",
                    "outcome": "ok",
                    "errors": 0,
                    "warnings": 0,
                    "waived": 0,
                }
            ]
        ),
    ),
    "ops.grant_permission": lambda s: _call(
        s, "ops.grant_permission", role_name="pg_monitor", permission="view"
    ),
    "ops.revoke_permission": lambda s: _call(s, "ops.revoke_permission", role_name="pg_monitor"),
}

#: Books that are imported, and their tenant, by the procedure that does it.
IMPORTS = {
    "billing.import_books": ("books", UUID(TENANT)),
    "ledger.import_rent": ("rent", UUID("a1de0000-0000-4000-8000-000000000002")),
}

#: What is of no tenant.
OF_NO_TENANT = {"ops.partition_ledger"}


@pytest.fixture(scope="module")
def worlds(applied_server: NoopExecutor) -> Iterator[list[World]]:
    """Yield a plain database and one that is cut, with the same scene."""
    with ExitStack() as stack:
        dsns = [stack.enter_context(clone(applied_server, end)) for end in ("_plain", "_shards")]
        plain, shards, keeper = (
            stack.enter_context(psycopg.connect(dsn)) for dsn in [*dsns, dsns[1]]
        )
        plain.autocommit = shards.autocommit = True
        cut_everything(shards)
        plain_scene, scene = (Scene(each, Billing(each, 77)) for each in (plain, shards))
        yield [World(plain_scene), World(scene, keeper)]


def _all_say(worlds: list[World], steps: dict[str, Step], tenant: UUID | None = None) -> None:
    """Do the same in both worlds, and compare what each step gives."""
    plain, shards = worlds
    found: dict[str, str] = {}
    for name, act in steps.items():
        expected = plain.perform(act, tenant)
        assert shards.perform(act, tenant) == expected, name
        found |= {offender.split(", line")[0]: offender for offender in shards.offenders}
        shards.offenders.clear()
    assert {
        place: told for place, told in found.items() if place.partition(" in ")[2] not in HARMLESS
    } == {}


def _readings() -> dict[str, Step]:
    return {name: partial(Scene.read, reading=name) for name in READINGS} | {
        f"check_{name}": partial(_check, schema, name)
        for name, schema in checks().items()
        if name not in IN_THE_CATALOG
    }


def _check(schema: str, name: str, scene: Scene) -> Any:
    check = f"SELECT * FROM {schema}.check_{name}(%s, %s)"
    return scene.database.execute(check.encode(), (scene.books.tenant, LATE)).fetchall()


def test_every_call_stands_here(worlds: list[World]) -> None:
    declared = worlds[0].database.execute(
        "SELECT d.routine_schema || '.' || d.routine_name FROM ops.routine_permissions() AS d"
        " JOIN pg_proc AS p ON p.pronamespace = d.routine_schema AND p.proname = d.routine_name"
        " WHERE p.prokind = 'p' AND d.routine_name !~ '^_'"
    )
    assert {name for (name,) in declared} == CALLS.keys() | IMPORTS.keys() | OF_NO_TENANT


def test_readings(worlds: list[World]) -> None:
    _all_say(worlds, _readings())


def test_calls_and_what_is_read_afterwards(worlds: list[World]) -> None:
    _all_say(worlds, CALLS)
    _all_say(worlds, _readings())


@pytest.mark.parametrize(("books", "tenant"), IMPORTS.values())
def test_imports(worlds: list[World], tmp_path: Path, books: str, tenant: UUID) -> None:
    def load(scene: Scene) -> Any:
        files, _ = find_files(scene.database, Config(), SAMPLES[books])
        return import_books(scene.database, Config(), files, rejects=tmp_path / "rejects")

    _all_say(worlds, {books: load}, tenant)


def test_what_is_in_the_tables_is_the_same(worlds: list[World]) -> None:
    tables = (
        worlds[0]
        .database.execute(
            "SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_attribute AS a"
            " ON a.attrelid = c.oid AND a.attname = 'tenant' WHERE c.relkind = 'r'"
            " AND c.relnamespace::regnamespace::text IN ('billing', 'ledger', 'ops') ORDER BY 1"
        )
        .fetchall()
    )
    for (table,) in tables:
        plain, shards = (
            sorted(
                steady(row)
                for row in world.database.execute(f"SELECT to_jsonb(t) FROM {table} AS t".encode())
            )
            for world in worlds
        )
        assert shards == plain, table


def test_an_offender_is_named(worlds: list[World]) -> None:
    """It names its tenant for one table, and by way of that for the other."""
    plain, shards = worlds
    for world in worlds:
        world.database.execute(
            "CREATE FUNCTION public.offends(p_tenant uuid) RETURNS bigint LANGUAGE plpgsql AS $$\n"
            "BEGIN\n"
            "    RETURN (\n"
            "        SELECT count(*) FROM billing.clients AS c\n"
            "        CROSS JOIN LATERAL (\n"
            "            SELECT FROM billing.contracts AS o WHERE o.tenant = c.tenant OFFSET 0\n"
            "        ) AS x\n"
            "        WHERE c.tenant = p_tenant);\n"
            "END $$"
        )

    def offend(scene: Scene) -> Any:
        call = "SELECT public.offends(%s)"
        return scene.database.execute(call, [scene.books.tenant]).fetchall()

    assert shards.perform(offend) == plain.perform(offend)
    assert shards.offenders == ["billing.contracts in offends, line 3"]
    shards.offenders.clear()
