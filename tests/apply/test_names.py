"""Schema names from the configuration: validated, quoted, used everywhere."""

import json
from pathlib import Path

import pytest
from psycopg import sql

from duecourse.config import Config, load, quote_identifier
from duecourse.database import connect
from duecourse.errors import DuecourseError, from_database_error
from duecourse.migrate import apply
from tests.apply.conftest import Dump
from tests.apply.test_repeating import assert_applied
from tests.conftest import Database

HOSTILE = [
    'say "hi"',
    "bücher 📚",
    "x" * 63,
    "é" * 31 + "x",
    "select",
    "Upper Case",
    "-- comment",
    "/* comment",
    "a;b.c, d",
    "{{ ops }}",
    " ",
]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Configure":
    """Return a function that writes the configuration that every command then reads."""
    return Configure(tmp_path / "duecourse.toml", monkeypatch)


class Configure:
    """Writes a configuration file and points DUECOURSE_CONFIG at it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path = path
        self._monkeypatch = monkeypatch

    def __call__(self, text: str = "", **names: str) -> None:
        lines = [
            f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in names.items()
        ]
        self._path.write_text(text or "\n".join(["[schemas]", *lines]), encoding="utf-8")
        self._monkeypatch.setenv("DUECOURSE_CONFIG", str(self._path))


def schemas(database: Database) -> set[str]:
    """Return the schemas that are not PostgreSQL's own."""
    rows = database.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^inform'")
    return {name for (name,) in rows}


@pytest.mark.parametrize(
    ("billing", "ledger", "ops"),
    [*zip(HOSTILE, HOSTILE[2:] + HOSTILE[:2], HOSTILE[1:] + HOSTILE[:1], strict=True)],
)
def test_hostile_names(
    configure: Configure,
    empty_dsn: str,
    empty_database: Database,
    billing: str,
    ledger: str,
    ops: str,
) -> None:
    configure(billing=billing, ledger=ledger, ops=ops)
    apply(empty_dsn)
    assert schemas(empty_database) == {"public", billing, ledger, ops}
    assert_applied(empty_dsn)
    assert apply(empty_dsn).objects == []
    [(count,)] = empty_database.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(ops, "applied_objects"))
    )
    assert count > 0


def test_other_names_change_nothing_else(
    configure: Configure, empty_dsn: str, dsn: str, dump: Dump
) -> None:
    plain = dump(dsn)
    configure(billing="b_illing", ops="o_ps")
    apply(empty_dsn)
    other = dump(empty_dsn)
    for name, default in (("b_illing", "billing"), ("o_ps", "ops")):
        other = other.replace(quote_identifier(name), default).replace(name, default)
    assert other == plain


def test_names_of_another_database(configure: Configure, dsn: str, database: Database) -> None:
    configure(billing="elsewhere")
    with pytest.raises(Exception, match='schema "elsewhere" does not exist') as caught:
        apply(dsn)
    assert "duecourse.toml" in from_database_error(caught.value).hint  # type: ignore[arg-type]
    assert "elsewhere" not in schemas(database)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is not a text"),
        (5, "is not a text"),
        ("x" * 64, "is longer than 63 bytes"),
        ("é" * 32, "is longer than 63 bytes"),
        ("pg_x", "belongs to PostgreSQL"),
        ("information_schema", "belongs to PostgreSQL"),
        ("o'brien", "holds a control character or one of ' $ % \\"),
        ("a$$b", "holds a control character or one of ' $ % \\"),
        ("100%", "holds a control character or one of ' $ % \\"),
        ("a\\b", "holds a control character or one of ' $ % \\"),
        ("a\nb", "holds a control character or one of ' $ % \\"),
        ("a\x00b", "holds a control character or one of ' $ % \\"),
        ("ledger", "have the same name"),
    ],
)
def test_refused_names(name: str, reason: str) -> None:
    with pytest.raises(DuecourseError) as caught:
        Config(billing=name)
    assert reason in caught.value.message
    assert "duecourse.toml" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[schemas", "is not TOML"),
        ("[schema]\nbilling = 'x'", "has the unknown setting 'schema'"),
        ("[schemas]\nbiling = 'x'", "has the unknown setting 'biling'"),
        ("schemas = 'x'", "has the unknown setting 'schemas'"),
    ],
)
def test_refused_files(configure: Configure, text: str, message: str) -> None:
    configure(text)
    with pytest.raises(DuecourseError) as caught:
        load()
    assert message in caught.value.message
    assert caught.value.hint


def test_a_missing_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUECOURSE_CONFIG", "/nowhere/duecourse.toml")
    with pytest.raises(DuecourseError, match="No such file"):
        load()


def test_the_local_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load() == Config()
    Path("duecourse.toml").write_text("[schemas]\nops = 'records'")
    assert load() == Config(ops="records")


def test_quoting(dsn: str) -> None:
    with connect(dsn) as connection:
        for name in HOSTILE:
            quoted = quote_identifier(name)
            [(back,)] = connection.execute("SELECT parse_ident(%s)", [quoted])
            assert back == [name]
