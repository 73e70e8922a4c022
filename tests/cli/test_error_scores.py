"""47 mistakes that strangers made: each line says what is wrong, with which value, and what to do.

What is met behind a pooler or on a standby is scored where these are; they are named here, too.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from duecourse.registry import APPLY_LOCK
from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.cli.sample import load
from tests.conftest import ROOT, Command, Database

NOBODY = "00000000-0000-0000-0000-000000000009"
SCOPE = ("--tenant", TENANT, "--as-of", AS_OF)
HASH = "0123456789abcdef0123456789abcdef"

#: Of a command: what it is called here, what is typed, and what its line says: what, the value,
#: and, after the dash, what to do. ``{dsn}``, ``{stranger}`` and ``{here}`` are of the scene.
TYPED: list[tuple[str, tuple[str, ...], tuple[str, str, str]]] = [
    ("connection refused", ("status", "--dsn", "postgresql://postgres@127.0.0.1:1/books"),
     ("Connection refused", "port 1", "check --dsn, DATABASE_URL or the PG* variables")),
    ("no such login", ("status", "--dsn", "{nobody}"),
     ("does not exist", "nobody_of_the_books", "check --dsn, DATABASE_URL")),
    ("no such database", ("status", "--dsn", "{no_database}"),
     ("does not exist", "no_such_database", "check --dsn, DATABASE_URL")),
    ("no such host", ("status", "--dsn", "host=nowhere.invalid"),
     ("failed to resolve host", "nowhere.invalid", "check --dsn, DATABASE_URL")),
    ("bad connection string", ("status", "--dsn", "nonsense"),
     ("the connection string is not one", "libpq", "write postgresql://user@host/database")),
    ("no schema", ("coverage", *SCOPE, "--dsn", "{empty}"),
     ("does not exist", "billing", "run: duecourse apply")),
    ("unknown tenant", ("coverage", "--tenant", NOBODY),
     ("the tenant is unknown", NOBODY, "duecourse tenants shows the tenants")),
    ("unknown client", ("coverage", *SCOPE, "--client", NOBODY),
     ("names is unknown", NOBODY, f"duecourse coverage --all --tenant {TENANT} shows")),
    ("unknown schedule", ("coverage", *SCOPE, "--schedule", "schedule:x"),
     ("names is unknown", "schedule:x", "duecourse coverage --all --ids")),
    ("unknown role", ("grant", "nobody_of_the_books", "view", "--tenant", "all"),
     ("unknown", "nobody_of_the_books", "CREATE ROLE makes one")),
    ("bad date", ("coverage", *SCOPE[:2], "--as-of", "infinity"),
     ("is not a date", "'infinity'", "--help")),
    ("bad id", ("period", "skip", "x", *SCOPE[:2], "--reason", "r"),
     ("is not a valid UUID", "'x'", "--help")),
    ("bad format", ("coverage", "--format", "jso"),
     ("is not one of", "Did you mean 'json'?", "--help")),
    ("no plan", ("run", "backfill", "--plan", "{here}/none.json"),
     ("is not a saved plan", "none.json", "duecourse plan")),
    ("another operation's plan", ("run", "replenish", "--plan", "{here}/plan.json"),
     ("is a plan to backfill", "plan.json", "duecourse run backfill")),
    ("a bad line of the books", ("import", "{here}/bad"),
     ("has 2 fields, the header has 8", "04_clients.csv, line 17", "rejects.csv lists")),
    ("a run key of another run",
     ("run", "backfill", *SCOPE, "--yes", "--run-key", "k", "--target-horizon-days", "90"),
     ("run key", "target_horizon_days was 180, is 90", "duecourse resume k goes on")),
    ("apply without a right on the database", ("apply", "--dsn", "{stranger_empty}"),
     ("may not create schemas", "postgres", "GRANT CREATE ON DATABASE")),
    ("apply of another owner", ("apply", "--dsn", "{stranger}"),
     ("belongs to role", "postgres", "connect as")),
    ("a permission that is missing", ("run", "backfill", *SCOPE, "--dsn", "{viewer}"),
     ("does not hold", "regenerate", "duecourse grant ")),
    ("only the owner grants", ("grant", "x", "view", *SCOPE[:2], "--dsn", "{viewer}"),
     ("has not the rights of", "postgres", "Connect as postgres")),
    ("unknown check", ("verify", *SCOPE, "--check", "row_overlp"),
     ("there is no check 'row_overlp'", "Did you mean 'row_overlap'?", "--help")),
    ("unknown permission", ("grant", "postgres", "vew", "--tenant", "all"),
     ("outside its range", "'vew'", "Name one of view, manage_future")),
    ("a step that is not attested", ("cutover", "attest", TENANT, "3", "--note", "n"),
     ("only steps 1, 7, 8 and 9 are attested", "3", "cutover")),
    ("a blank note", ("cutover", "attest", TENANT, "7", "--note", " "),
     ("outside its range", "--note is null or blank", "note")),
    ("no note", ("cutover", "attest", TENANT, "7"), ("Missing option", "'--note'", "--help")),
    ("a mistyped option", ("coverage", "--tenent", "x"),
     ("No such option '--tenent'", "'--tenant'?", "--help")),
    ("events that are none", ("stripe", "ingest", TENANT, "{here}/bad.jsonl"),
     ("1 line could not be read", "bad-rejects.jsonl", "ingest that file")),
    ("apply's lock", ("apply", "--lock-timeout", "0.1"),
     ("the apply lock is held by session", "postgres", "wait")),
    ("no tenant", ("coverage",),
     ("Missing option", "'--tenant'", "duecourse tenants lists them")),
    ("a mistyped command", ("verfy",),
     ("No such command 'verfy'", "Did you mean 'verify'?", "--help")),
    ("a mistyped operation", ("run", "backfil", *SCOPE),
     ("is not one of", "Did you mean 'backfill'?", "--help")),
    ("an empty batch", ("run", "backfill", *SCOPE, "--yes", "--batch-size", "0"),
     ("outside its range", "--batch-size is 0, not 1 to", "--help shows every option")),
    ("a horizon in the past", ("coverage", *SCOPE, "--target-horizon-days", "-5"),
     ("outside its range", "--target-horizon-days is -5", "--help shows every option")),
    ("a read-only database", ("grant", "postgres", "view", *SCOPE[:2], "--dsn", "{read_only}"),
     ("read-only transaction", "default_transaction_read_only is on", "RESET it there")),
    ("a tenant that is locked",
     ("run", "backfill", *SCOPE, "--yes", "--lock-timeout", "100 ms"),
     ("is locked by", TENANT, "once it is free, to go on: duecourse resume")),
    ("a stranger", ("coverage", *SCOPE, "--dsn", "{stranger}"),
     ("permission denied for schema", "billing", "let the owner run: duecourse grant {login} ")),
    ("lines that are none", ("offline", "coverage", "--input", "{here}/bad.jsonl"),
     ("1 line could not be read", "(1)", "the others are answered")),
    ("a missing configuration", ("status",),
     ("cannot read", "/nowhere.toml", "check DUECOURSE_CONFIG")),
    ("an interval that is none", ("run", "backfill", *SCOPE, "--pause", "two seconds"),
     ("is no interval", "'two seconds'", "--help")),
    ("a hash that is none", ("run", "backfill", *SCOPE, "--expected-plan-hash", "abc"),
     ("is not a plan hash (32 hexadecimal digits)", "'abc'", "--help")),
    ("a function that is gone", ("verify", *SCOPE, "--check", "row_overlap"),
     ("check_row_overlap", "does not exist", "run: duecourse apply")),
]  # fmt: skip

#: What ends not as an error, but as an outcome of several lines.
OUTCOMES = {"a tenant that is locked", "a function that is gone"}

#: Of a statement in psql: what is typed, and what its message, its DETAIL or HINT say.
IN_PSQL = [
    ("a guard of the ledger",
     "DELETE FROM billing.recurring_service_periods WHERE lifecycle_state = 'billed'",
     ("a ledger row that is billed", "is billed", "Delete or reverse its invoice, or archive")),
    ("a CALL inside a transaction",
     "BEGIN; CALL billing.backfill_service_periods(NULL, '2026-09-15')",
     ("cannot run inside a transaction", "this procedure commits", "COMMIT, then CALL again.")),
]  # fmt: skip

#: What needs a server of another kind is scored where that is started: the file, and the test.
ELSEWHERE = {
    "a transaction pooler": (
        "tests/poolers/test_poolers.py",
        "test_apply_refuses_a_transaction_pooler_and_writes_nothing",
    ),
    "a standby": ("tests/standby/test_readings.py", "test_what_cannot_be_done_there"),
}


class Scene:
    """The sample books with a run, and what else the mistakes need."""

    def __init__(self, database: Database, dsn: str, folder: Path) -> None:
        name = database.info.dbname
        self.roles = {kind: f"{kind}_of_{name}" for kind in ("stranger", "viewer", "reader")}
        self.folder = folder
        self.database = database
        load(dsn, folder)
        database.execute(
            "CALL billing.backfill_service_periods(p_tenant => %s, p_as_of => %s,"
            " p_run_key => 'k')",
            (TENANT, AS_OF),
        )
        for role in self.roles.values():
            database.execute(f'CREATE ROLE "{role}" LOGIN')
        database.execute(
            "CALL ops.grant_permission(%s, %s, 'view')", (TENANT, self.roles["viewer"])
        )
        (folder / "none.json").write_text("[]")
        (folder / "plan.json").write_text(
            '{"operation": "backfill", "plan_hash": "x", "arguments": {}}'
        )
        (folder / "bad.jsonl").write_text("{\n")
        books = copytree(SAMPLE, folder / "bad")
        with (books / "04_clients.csv").open("a", encoding="utf-8") as clients:
            clients.write("x,y\n")
        self.values = {
            "dsn": dsn,
            "here": str(folder),
            "nobody": make_conninfo(dsn, user="nobody_of_the_books"),
            "no_database": make_conninfo(dsn, dbname="no_such_database"),
            "empty": make_conninfo(dsn, dbname="postgres"),
            "stranger": make_conninfo(dsn, user=self.roles["stranger"]),
            "stranger_empty": make_conninfo(dsn, dbname="postgres", user=self.roles["stranger"]),
            "viewer": make_conninfo(dsn, user=self.roles["viewer"]),
            "read_only": make_conninfo(dsn, options="-c default_transaction_read_only=on"),
            "login": self.roles["stranger"],
        }

    def close(self) -> None:
        """Drop the roles, which the server keeps."""
        for role in self.roles.values():
            self.database.execute(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


@pytest.fixture(scope="module")
def scene(
    shared_database: Database, shared_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Yield the scene of the mistakes."""
    made = Scene(shared_database, shared_dsn, tmp_path_factory.mktemp("scene"))
    yield made
    made.close()


@pytest.mark.parametrize(("name", "arguments", "parts"), TYPED, ids=[name for name, _, _ in TYPED])
def test_a_line_scores_three_of_three(
    typed: Command,
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    arguments: tuple[str, ...],
    parts: tuple[str, str, str],
) -> None:
    given = [argument.format_map(scene.values) for argument in arguments]
    database = scene.database
    if name == "a function that is gone":
        database.execute("DROP FUNCTION billing.check_row_overlap(uuid, date)")
    if "--dsn" not in given:
        given += ["--dsn", scene.values["dsn"]]
    with database.transaction(force_rollback=True):
        if name == "a missing configuration":
            monkeypatch.setenv("DUECOURSE_CONFIG", "/nowhere.toml")
        elif name == "apply's lock":
            database.execute("SELECT pg_advisory_xact_lock(%s)", [APPLY_LOCK])
        elif name == "a tenant that is locked":
            database.execute("SELECT FROM ops.tenant_locks WHERE tenant = %s FOR UPDATE", [TENANT])
        done = typed(*given)
    assert done.returncode != 0
    what, value, advice = (part.format_map(scene.values) for part in parts)
    if name in OUTCOMES:
        before = after = told = " ".join(f"{done.stdout} {done.stderr}".split())
    else:
        told = done.stderr.splitlines()[-1]
        before, _, after = told.partition(" — ")
    assert (what in before, value in told, advice in after) == (True,) * 3, told
    assert not re.search(r"\bp_[a-z]|SQLSTATE|Traceback|CALL ", told), told


@pytest.mark.parametrize(
    ("statement", "parts"), [each[1:] for each in IN_PSQL], ids=[name for name, *_ in IN_PSQL]
)
def test_an_error_in_psql_scores_three_of_three(
    scene: Scene, statement: str, parts: tuple[str, str, str]
) -> None:
    first, _, last = statement.rpartition("; ")
    with psycopg.connect(scene.values["dsn"], autocommit=True) as client:
        client.execute((first or "SELECT").encode())
        with pytest.raises(psycopg.Error) as raised:
            client.execute(last.encode())
    told = raised.value.diag
    what, value, advice = parts
    assert what in str(told.message_primary)
    assert value in f"{told.message_primary} {told.message_detail}"
    assert advice in str(told.message_hint)


def test_apply_after_its_tables_were_dropped(typed: Command, scene: Scene) -> None:
    """The last that is asked of the scene."""
    scene.database.execute("DROP SCHEMA billing CASCADE")
    done = typed("apply", "--dsn", scene.values["dsn"])
    before, _, after = done.stderr.splitlines()[-1].partition(" — ")
    assert (done.returncode, "billing." in before) == (1, True), before
    assert "gone" in before
    assert "restore" in after
    assert "duecourse apply --remake" in after


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_scored_elsewhere_is_there(name: str) -> None:
    file, test = ELSEWHERE[name]
    assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")


def test_there_are_47() -> None:
    assert len(TYPED) + len(IN_PSQL) + 1 + len(ELSEWHERE) == 47
