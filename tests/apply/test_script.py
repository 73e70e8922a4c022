"""What may change a table is sent alone, and what fails is named by its line."""

import re

import psycopg
import pytest

from duecourse import script
from duecourse.config import Config
from duecourse.frozen import names, text_of
from duecourse.migrate import apply
from duecourse.objects import object_paths
from duecourse.render import render
from tests.conftest import Database

CHANGE = re.compile(
    r"^(?:CREATE OR REPLACE TRIGGER|CREATE TABLE|CREATE (?:UNIQUE )?INDEX|ALTER TABLE)\b",
    re.MULTILINE,
)
TEXTS = [
    *(text_of(name, Config()) for name in names()),
    *(render(path, Config()) for path in object_paths()),
]


def test_what_changes_a_table_is_sent_alone() -> None:
    found = 0
    for text in TEXTS:
        sent = [message.text for message in script.messages(text)]
        assert "".join(sent).rstrip() == text.rstrip()
        for message in sent:
            changes = len(CHANGE.findall(message))
            found += changes
            assert changes == 0 or message.count(";\n") == 0, message
    assert found == sum(len(CHANGE.findall(text)) for text in TEXTS) > 100


@pytest.mark.parametrize(
    "sent",
    [
        [],
        ["SELECT ';';", " SELECT 2;"],
        ["-- a;\nREVOKE ALL ON TYPE t FROM r;", " ALTER TABLE t;"],
        ["DO $a$ ; $$ ; $a$;", " DO $$ $a$; $$;"],
        ["SELECT 1;", "COMMENT ON VIEW v IS 'it''s;'; CREATE VIEW v AS SELECT $1;", "DROP VIEW v;"],
    ],
)
def test_messages(sent: list[str]) -> None:
    assert [message.text for message in script.messages("".join(sent) + "\n-- end;\n")] == sent


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("SELECT 1;\n\n-- two\nSELEC 2;\nSELECT 3;", 4),
        ('CREATE TYPE t;\nREVOKE ALL ON TYPE t\n  FROM "nobody here";', 1),
        ("SELECT 1;\n\nSELECT 1 / 0;", 3),
    ],
)
def test_what_fails_is_named_by_its_line(shared_database: Database, text: str, line: int) -> None:
    with pytest.raises(psycopg.Error) as raised, shared_database.transaction():
        script.run(shared_database, text, "a text")
    assert raised.value.__notes__ == [f"a text, line {line} as rendered"]


def test_apply_sends_a_trigger_alone(database: Database, dsn: str) -> None:
    database.execute("CREATE TABLE public.said (what text)")
    database.execute(
        "CREATE FUNCTION public.hear() RETURNS event_trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO public.said SELECT current_query(); END'"
    )
    database.execute(
        "CREATE EVENT TRIGGER hears ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER')"
        " EXECUTE FUNCTION public.hear()"
    )
    database.execute("DROP TRIGGER accounts_guard_truncate ON ledger.accounts")
    apply(dsn)
    said = [what for (what,) in database.execute("SELECT what FROM public.said")]
    assert len(said) == 3
    assert all(what.strip().startswith("CREATE OR REPLACE TRIGGER") for what in said)
    assert all(what.count(";") == 1 for what in said)
