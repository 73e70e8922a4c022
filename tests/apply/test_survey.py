"""What adopt looks at before it adds anything: each thing that it cannot use is named."""

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor

from duecourse.config import Config
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.profile import Wanted
from duecourse.survey import Survey, look
from tests.conftest import Database, clone
from tests.profiles.loading import load_alga

_UNKNOWN = "its schema is of a version that is not known here"
_LEDGER = "public.recurring_service_periods"
_PARTITIONED = (
    "ALTER TABLE {0} RENAME TO old; CREATE TABLE {0} (LIKE old INCLUDING ALL EXCLUDING INDEXES)"
    " PARTITION BY HASH (tenant); ALTER TABLE {0} ADD PRIMARY KEY (tenant, record_id),"
    " ADD UNIQUE (tenant, schedule_key, period_key, revision);"
    " CREATE TABLE part PARTITION OF {0} FOR VALUES WITH (MODULUS 1, REMAINDER 0)"
).format("recurring_service_periods")

_ALGA = Wanted("alga")


@pytest.fixture(scope="module")
def source(empty_server: NoopExecutor) -> Iterator[Database]:
    """Yield a connection to the tables with the books, which belong to a role of their own."""
    with clone(empty_server, "_survey") as dsn, psycopg.connect(dsn, autocommit=True) as database:
        load_alga(database)
        database.execute("SET client_min_messages = error")
        role = sql.Identifier(f"owner_of_{database.info.dbname}")
        database.execute(sql.SQL("CREATE ROLE {}").format(role))
        yield database
        database.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture
def found(source: Database) -> Iterator["Found"]:
    """Yield what looks at the tables after statements, which are taken back."""
    with source.transaction(force_rollback=True):
        yield Found(source)


class Found:
    """Changes the tables and looks at them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.role = f"owner_of_{database.info.dbname}"

    def after(self, statements: str, wanted: Wanted = _ALGA) -> Survey:
        """Look after some statements, in which {role} is a role without rights."""
        if statements:
            text = sql.SQL(statements).format(role=sql.Identifier(self.role))
            self.database.execute(text.as_string().encode())
        return look(self.database, Config(), wanted)


def told(survey: Survey) -> list[tuple[str, str, str]]:
    """Return the findings as plain rows."""
    return [(item.severity, item.message, item.hint) for item in survey.findings]


def test_tables_as_they_should_be(found: Found) -> None:
    survey = found.after("")
    assert survey.findings == []
    assert survey.tables["recurring_service_periods"] == 4706
    assert survey.tables["tenants"] == 2
    assert survey.schemas == ["billing", "ledger", "ops"]
    assert survey.made["table"] > 25
    assert survey.on_theirs == []
    survey.refuse_errors()


@pytest.mark.parametrize(
    ("statements", "message", "hint"),
    [
        ("ALTER TABLE clients RENAME TO customers", "table public.clients is missing", _UNKNOWN),
        (
            'ALTER TABLE clients RENAME TO "Clients"',
            "table public.clients is missing",
            'there is "Clients": names are compared letter by letter',
        ),
        (
            "ALTER TABLE clients DROP COLUMN timezone, DROP COLUMN client_name CASCADE",
            "public.clients has no column client_name, timezone",
            _UNKNOWN,
        ),
        (
            "ALTER TABLE contracts ALTER COLUMN start_date TYPE date",
            "public.contracts.start_date is date, not timestamp with time zone",
            _UNKNOWN,
        ),
        (
            "ALTER TABLE service_catalog RENAME TO old; CREATE VIEW service_catalog AS TABLE old",
            "public.service_catalog is a view",
            "adopt the schema that has the table",
        ),
        (
            f"ALTER TABLE {_LEDGER} DROP CONSTRAINT recurring_service_periods_pkey CASCADE",
            f"{_LEDGER} has no key (tenant, record_id)",
            _UNKNOWN,
        ),
        (
            "ALTER SCHEMA public RENAME TO theirs",
            "there is no schema public",
            "the tables are in: theirs; name it: --schema",
        ),
        (
            "ALTER SCHEMA public RENAME TO theirs; CREATE SCHEMA public",
            "schema public has none of the tables of alga",
            "the tables are in: theirs; name it: --schema",
        ),
        (
            "UPDATE client_contracts SET end_date = 'infinity' WHERE end_date IS NOT NULL",
            r"\d+ rows of public.client_contracts have an infinite date",
            "give start_date, end_date a day, or null where it may be",
        ),
    ],
)
def test_what_cannot_be_used_is_named(
    found: Found, statements: str, message: str, hint: str
) -> None:
    survey = found.after(statements)
    [(severity, its_message, its_hint)] = told(survey)
    assert severity == "error"
    assert re.fullmatch(message.replace("(", r"\(").replace(")", r"\)"), its_message)
    assert its_hint == hint
    with pytest.raises(DuecourseError) as caught:
        survey.refuse_errors()
    assert caught.value.exit_status == ExitStatus.REFUSED
    assert (caught.value.message, caught.value.hint) == (its_message, hint)


def test_every_finding_is_told_at_once(found: Found) -> None:
    survey = found.after("DROP TABLE clients, contracts CASCADE")
    assert [message for _, message, _ in told(survey)] == [
        "table public.clients is missing",
        "table public.contracts is missing",
    ]
    with pytest.raises(DuecourseError, match=r"; and 1 more: --dry-run shows them"):
        survey.refuse_errors()


@pytest.mark.parametrize("statements", [_PARTITIONED, "ALTER TABLE clients ADD COLUMN more text"])
def test_what_makes_no_difference(found: Found, statements: str) -> None:
    assert found.after(statements).findings == []


def test_a_role_without_rights(found: Found) -> None:
    survey = found.after(
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};"
        " REVOKE SELECT ON clients FROM {role}; GRANT INSERT ON recurring_service_periods TO"
        " {role}; SET LOCAL ROLE {role}",
        Wanted("alga", guards=True),
    )
    name, database = found.role, found.database.info.dbname
    ours = found.database.execute("SELECT session_user").fetchone()
    assert ours is not None
    assert told(survey) == [
        (
            "error",
            f"role {name} may not create schemas in database {database}",
            f"as its owner, run: GRANT CREATE ON DATABASE {database} TO {name}",
        ),
        (
            "error",
            f"role {name} lacks SELECT on public.clients",
            f"as its owner, run: GRANT SELECT ON public.clients TO {name}",
        ),
        (
            "error",
            f"role {name} lacks UPDATE, REFERENCES on {_LEDGER}",
            f"as its owner, run: GRANT UPDATE, REFERENCES ON {_LEDGER} TO {name}",
        ),
        (
            "error",
            f"{_LEDGER} belongs to role {ours[0]}, not to {name}",
            "guards, indexes and keys need its owner: connect as that role",
        ),
    ]


@pytest.mark.parametrize(
    ("statements", "is_bound"),
    [
        ("ALTER TABLE clients ENABLE ROW LEVEL SECURITY", False),
        ("ALTER TABLE clients ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", True),
    ],
)
def test_row_level_security(found: Found, statements: str, is_bound: bool) -> None:
    survey = found.after(
        f"{statements}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {{role}}; ALTER TABLE clients"
        f" OWNER TO {{role}}; GRANT CREATE ON DATABASE {found.database.info.dbname} TO {{role}};"
        " SET LOCAL ROLE {role}"
    )
    messages = [message for severity, message, _ in told(survey) if severity == "error"]
    hidden = f"row-level security hides rows of public.clients from role {found.role}"
    assert messages == [hidden] * is_bound


def test_empty_tables_and_triggers_are_noticed(found: Found) -> None:
    survey = found.after(
        "DO $$BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(c.oid::regclass::text, ', ')"
        " FROM pg_class AS c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace);"
        " END$$;"
        " CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        f" CREATE TRIGGER theirs AFTER INSERT ON {_LEDGER} EXECUTE FUNCTION look()"
    )
    assert told(survey) == [
        (
            "notice",
            f"trigger theirs of {_LEDGER} fires for what is written here, too",
            "look at what it does",
        ),
        ("notice", "the tables have no rows", "is this the database? It would work"),
    ]
    survey.refuse_errors()


def test_profiles_with_a_cycle_of_their_own(found: Found) -> None:
    survey = found.after(
        "UPDATE client_billing_profiles AS p SET billing_cycle = 'annually' FROM clients AS c"
        " WHERE c.tenant = p.tenant AND c.client_id = p.client_id AND c.billing_cycle = 'weekly'"
    )
    [(severity, message, _)] = told(survey)
    assert severity == "notice"
    assert re.fullmatch(
        r"[1-9]\d* billing profiles have a cycle other than their client's", message
    )


def test_options_that_mean_nothing(found: Found) -> None:
    with pytest.raises(DuecourseError, match="--unique-rents means nothing to alga"):
        found.after("", Wanted("alga", unique_rents=True))


@pytest.mark.parametrize("name", ["billing", "ledger", "ops"])
def test_a_schema_of_our_name(found: Found, name: str) -> None:
    with pytest.raises(DuecourseError) as caught:
        found.after(f"CREATE SCHEMA {name}")
    assert caught.value.message == f"schema {name} is there already, and not by duecourse"
    assert "duecourse.toml" in caught.value.hint


def test_the_tables_are_in_a_schema_of_our_name(found: Found) -> None:
    with pytest.raises(DuecourseError, match="has the name of one of ours"):
        found.after("", Wanted("alga", source="ledger"))


@pytest.mark.parametrize(
    "wanted", [Wanted("alga", indexes=True), Wanted("alga", guards=True)], ids=["indexes", "guards"]
)
def test_options_for_a_partitioned_table(found: Found, wanted: Wanted) -> None:
    survey = found.after(_PARTITIONED, wanted)
    assert [message for _, message, _ in told(survey)] == [f"{_LEDGER} is partitioned"]
