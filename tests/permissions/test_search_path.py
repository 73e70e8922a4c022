"""Whatever the search path of the caller, names in the package mean PostgreSQL's own objects."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from duecourse.errors import ExitStatus
from duecourse.objects import tokens
from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.charges.owner import Owner
from tests.charges.runs import tenancy
from tests.conftest import Command, Database
from tests.invoices.books import Billing
from tests.permissions.hostile import HIT, PATH, plant

#: Routines whose names the search path of the caller resolves.
_WITHOUT_PATH = """
    SELECT p.oid::regproc::text, l.lanname, p.prokind, p.prosrc
    FROM pg_proc AS p
    JOIN pg_language AS l ON l.oid = p.prolang
    WHERE p.pronamespace::regnamespace::text IN ('billing', 'ledger', 'ops')
        AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)
"""

_OPERATOR = re.compile(r"(?!=>)[-+*/<>=~!@#%^&|`?]+")

#: What may be called, with its arguments: the CALLs and the readings.
_PUBLIC = r"""
    SELECT n.nspname, p.proname, p.prokind = 'p', p.proargnames[:p.pronargs],
        p.pronargs - p.pronargdefaults
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    LEFT JOIN ops.routine_permissions() AS d
        ON d.routine_schema = p.pronamespace AND d.routine_name = p.proname
    WHERE n.nspname IN ('billing', 'ledger', 'ops') AND p.proname NOT LIKE '\_%'
        AND (d.routine_name IS NOT NULL OR obj_description(p.oid, 'pg_proc') ~ 'Needs: nothing')
    ORDER BY n.nspname, p.proname
"""

#: What arguments without a default are given, beside the tenant; null, when they are not here.
_GIVEN = {
    "p_as_of": "2026-05-20",
    "p_through": "2026-05-20",
    "p_mode": "backfill",
    "p_operation": "transitions",
    "p_lines": "{}",
    "p_permissions": "{view}",
    "p_permission": "view",
}

#: Ways in which the CALLs that commit are called, as far as they have the arguments.
_WAYS: list[dict[str, str | None]] = [
    {"p_batch_size": "0", "p_source_rule_version": ""},
    {"p_lock_timeout": "-1 s"},
    {"p_dry_run": "true"},
    {"p_run_key": "one", "p_batch_size": "1", "p_max_batches": "1"},
    {"p_run_key": "one", "p_batch_size": "2"},
    {"p_run_key": "one", "p_batch_size": "1", "p_pause": "1 ms"},
    {"p_expected_plan_hash": "abc"},
    {"p_tenant": None, "p_client_id": "00000000-0000-0000-0000-000000000001"},
    {"p_tenant": None},
    {},
]

#: The way of a run that is resumed afterwards.
_FIRST: dict[str, str | None] = {
    "p_run_key": "first",
    "p_batch_size": "1",
    "p_max_batches": "1",
    "p_pause": "1 ms",
    "p_max_replica_lag": "1 s",
    "p_max_wal_to_archive": "1000000",
    "p_max_waiting_sessions": "100",
}


#: Makes the books of a tenant fail.
_REFUSE = """
    CREATE OR REPLACE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog AS 'BEGIN RAISE ''refused''; END';
    CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.tenant = '{tenant}')
        EXECUTE FUNCTION public.refuse();
"""


@dataclass(frozen=True)
class Public:
    """A routine that may be called, its arguments, and how many of them have no default."""

    schema: str
    name: str
    is_procedure: bool
    arguments: list[str]
    needed: int

    @property
    def commits(self) -> bool:
        """Whether it is one of those that commit, and no run of another's."""
        return self.is_procedure and "p_source_rule_version" in self.arguments

    def statement(self, tenant: UUID, changed: dict[str, str | None]) -> sql.Composed:
        """Return a call of it whose arguments have no type that a search path could resolve."""
        names = self.arguments[: self.needed] + [k for k in changed if k in self.arguments]
        given = {"p_tenant": str(tenant), **changed}
        arguments = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(
                sql.Identifier(name), sql.Literal(given.get(name, _GIVEN.get(name)))
            )
            for name in dict.fromkeys(names)
        )
        what = sql.SQL("CALL {}({})" if self.is_procedure else "SELECT FROM {}({})")
        return what.format(sql.Identifier(self.schema, self.name), arguments)


@dataclass
class Victim:
    """A session of the owner, and what it hit."""

    database: Database
    hits: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database.add_notice_handler(lambda told: self.look("notice", told))

    def look(self, what: str, told: psycopg.errors.Diagnostic) -> None:
        """Remember what was hit, and where."""
        text = f"{what}: {told.message_primary} {told.message_detail} {told.context}"
        if HIT in text:
            self.hits.append(text)

    def execute(self, statement: sql.Composed) -> str | None:
        """Execute a statement; return the SQLSTATE with which it fails."""
        try:
            self.database.execute(statement)
        except psycopg.Error as error:
            self.look(statement.as_string(), error.diag)
            return error.sqlstate
        return None


def test_functions_have_a_search_path_of_their_own(database: Database) -> None:
    """A procedure that commits cannot have one; nor what is to be inlined, which is SQL."""
    for name, language, kind, _ in database.execute(_WITHOUT_PATH):
        assert kind == "p" or language == "sql", name


def test_without_a_search_path_functions_are_named_in_full(database: Database) -> None:
    known = _names(database, "SELECT p.proname FROM pg_proc AS p", "p.pronamespace")
    found = []
    for routine, _, _, body in database.execute(_WITHOUT_PATH):
        found += [
            f"{routine}: {word}"
            for before, word, after in _threes(body)
            if word.lower() in known and after == "(" and before != "."
        ]
    assert found == []


def test_without_a_search_path_procedures_name_operators_and_types_in_full(
    database: Database,
) -> None:
    """What has no full name, IN or BETWEEN, is an operator, too."""
    types = _names(database, "SELECT t.typname FROM pg_type AS t", "t.typnamespace") - {"interval"}
    found = []
    for routine, _, kind, body in database.execute(_WITHOUT_PATH):
        found += [
            f"{routine}: {before} {word} {after}"
            for before, word, after in _threes(body)
            if kind == "p"
            and (
                (_OPERATOR.fullmatch(word) and before not in (".", ":", "SELECT"))
                or word in ("BETWEEN", "LIKE", "DISTINCT")
                or (word, after) in (("IN", "("), (":", ":"))
                or (word in types and before != ".")
            )
        ]
    assert found == []


def _names(database: Database, select: str, schema: str) -> set[str]:
    rows = database.execute(f"{select} WHERE {schema} = 'pg_catalog'::regnamespace".encode())
    return {name for (name,) in rows}


def _threes(body: str) -> Iterator[tuple[str, str, str]]:
    """Yield each word of a body with the words around it."""
    words = ["", *tokens(body), ""]
    return zip(words, words[1:], words[2:], strict=False)


def test_nothing_that_is_planted_is_hit(database: Database) -> None:
    victim = Victim(database)
    tenants = {"billing": _billing(database), "ledger": _ledger(database)}
    for table, spoilt in (
        ("billing.recurring_service_periods", _billing(database)),
        ("ledger.charges", _ledger(database)),
    ):
        database.execute(_REFUSE.format(table=table, tenant=spoilt).encode())
    public = [Public(*row) for row in database.execute(_PUBLIC).fetchall()]
    assert len(public) > 80
    [(kinds,)] = database.execute("SELECT count(*) FROM ops.run_kinds()")
    assert sum(routine.commits for routine in public) == kinds

    plant(database)
    database.execute(f"SET search_path = {PATH}".encode())
    for statement in ("SELECT now()", "SELECT 1 = 1", "SELECT 'a'::text"):
        with pytest.raises(psycopg.Error, match=HIT):
            database.execute(statement.encode())
    for routine in public:
        for tenant in tenants.values():
            victim.execute(routine.statement(tenant, {}))
    [resume] = [routine for routine in public if routine.name == "resume_run"]
    for routine in public:
        if routine.commits:
            tenant = tenants[routine.schema]
            with psycopg.connect(database.info.dsn) as other:
                other.execute("SELECT FROM ops.tenant_locks FOR UPDATE")
                victim.execute(routine.statement(tenant, {"p_lock_timeout": "1 ms"}))
            victim.execute(routine.statement(tenant, _FIRST))
            resumed = {**_FIRST, "p_procedure_name": routine.name}
            victim.execute(resume.statement(tenant, resumed))
            states = [victim.execute(routine.statement(tenant, way)) for way in _WAYS]
            assert states[-1] is None, (routine.name, states)
    assert victim.hits == []
    database.execute("RESET search_path")
    told = database.execute("SELECT r::pg_catalog.text FROM ops.runs AS r").fetchall()
    assert len(told) > len(_WAYS)
    assert [row for (row,) in told if HIT in row] == []


def test_nor_by_the_command_line(database: Database, duecourse: Command) -> None:
    plant(database)
    [name] = database.execute("SELECT current_database()").fetchone() or [""]
    database.execute(f"ALTER DATABASE {name} SET search_path = {PATH}".encode())
    scope = ("--tenant", TENANT, "--as-of", AS_OF)
    for expected, *arguments in (
        (ExitStatus.DONE, "apply"),
        (ExitStatus.DONE, "status"),
        (ExitStatus.DONE, "import", SAMPLE),
        (ExitStatus.DONE, "plan", "backfill", *scope),
        (ExitStatus.REFUSED, "run", "backfill", *scope),
        (ExitStatus.VERIFICATION_FAILED, "verify", *scope),
        (ExitStatus.DONE, "due-work", *scope),
    ):
        done = duecourse(*arguments, "--dsn", database.info.dsn)
        assert HIT not in done.stdout + done.stderr, arguments
        assert done.returncode == expected, (arguments, done.stderr)


def _billing(database: Database) -> UUID:
    books = Billing(database)
    for client in (books.named("One"), books.named("Two", "quarterly")):
        books.line(client)
    return books.tenant


def _ledger(database: Database) -> UUID:
    owner = Owner(database)
    for renter in ("r-1", "r-2"):
        owner.payment(tenant_user_id=renter)
        tenancy(owner, "2026-05-01", tenant_user_id=renter)
    return owner.tenant
