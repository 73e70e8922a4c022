"""House rules that a machine can hold: of the SQL as it is rendered, of the catalog, of Python."""

import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from duecourse import profile
from duecourse.config import Config
from duecourse.migrate import migration_paths
from duecourse.objects import STAGES, object_paths, tokens
from duecourse.objects import stages as stages_of
from duecourse.profile import NATIVE, Adoption
from duecourse.render import render
from tests.conftest import ROOT, Database

MAX_MODULE_LINES = 300
MAX_ROUTINE_LINES = 400
MAX_COLUMNS = 100

#: What a profile makes of its own, each file with the profile under which it is rendered.
OF_PROFILES = {
    path: name
    for name in profile.names()
    for path in object_paths(profile.of(name))
    if path.startswith("sql/profiles/")
}
#: What is made where Citus distributes the tables, as it is rendered there.
OF_CITUS = sorted({*object_paths(citus=True)} - {*object_paths()})
OBJECTS = [*object_paths(), *OF_PROFILES, *OF_CITUS]
TEMPLATES = [
    *migration_paths(),
    *OBJECTS,
    *(f"sql/applying/{file.name}" for file in sorted((ROOT / "sql/applying").glob("*.sql.j2"))),
]
SOURCES = sorted(ROOT.glob("*/**/*.sql.j2"))
CREATED = re.compile(
    r"CREATE (?:OR REPLACE )?(FUNCTION|PROCEDURE|VIEW|TYPE|DOMAIN) (billing|ops|ledger) \. (\w+)"
)
ROUTINE = re.compile(
    r"^CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE) (\S+?) ?\(.*?^AS (\$\w*\$)\n(.*?)^\2;$",
    re.DOTALL | re.MULTILINE,
)
DECLARED = re.compile(r"^ *DECLARE\n(.*?)^ *BEGIN$", re.DOTALL | re.MULTILINE)
#: verify and the list of tenants read both; the view of the tenants names nothing else of ours.
OF_BOTH = {
    "verify/verify.sql.j2",
    "sql/guidance/tenants.sql.j2",
    "sql/profiles/alga/tenants.sql.j2",
}
TEMPLATE_BODY = re.compile(
    r"\{%-?\s*macro\b.*?\{%-?\s*endmacro|\{%-?\s*call\b.*?\{%-?\s*endcall|AS (\$\w*\$)\n.*?\1;",
    re.DOTALL,
)
IN_SCHEMA = re.compile(r"(?<![.] )\b(billing|ops|ledger) [.] (\w+)")


@cache
def text_of(path: str) -> str:
    """Return a template as it is rendered with the default names."""
    adoption = Adoption(OF_PROFILES.get(path, NATIVE.name))
    return render(path, Config(adoption=adoption, citus=path in OF_CITUS))


@cache
def words_of(path: str) -> tuple[str, ...]:
    """Return the tokens of a rendered file, without comments."""
    return tuple(tokens(text_of(path)))


@cache
def code_of(path: str) -> str:
    """Return the tokens of a rendered file, without comments and string literals."""
    return " ".join(token for token in words_of(path) if not token.endswith("'"))


@cache
def created_by(path: str) -> list[tuple[str, str]]:
    """Return the kind and the name of the objects that a file makes, triggers aside."""
    return [(kind, name) for kind, _, name in CREATED.findall(code_of(path))]


def own_name(path: str) -> str:
    """Return the name of the object that a file is for."""
    stem = Path(path).name.removesuffix(".sql.j2")
    return f"check_{stem.partition('_')[2]}" if stem[0].isdigit() else stem


def stage_of(path: str) -> int:
    """Return the number of a file's stage; bodies of a profile's routines may use every one."""
    return (
        len(STAGES) if path in {*OF_PROFILES, *OF_CITUS} else STAGES.index(path.rpartition("/")[0])
    )


@cache
def stages() -> dict[tuple[str, str], int]:
    """Return the stage of every object, by its schema and name."""
    return {
        (schema, name): stage_of(file)
        for file in object_paths()
        for _, schema, name in CREATED.findall(code_of(file))
    }


@pytest.mark.parametrize("path", TEMPLATES)
def test_the_first_line_is_a_sentence(path: str) -> None:
    assert re.match(r"-- [A-Z].*[.]\n", text_of(path))


@pytest.mark.parametrize("path", OBJECTS)
def test_a_file_is_named_for_its_one_public_object(path: str) -> None:
    names = [name for _, name in created_by(path)]
    assert own_name(path) in names
    assert [name for name in names if name != own_name(path) and not name.startswith("_")] == []


@pytest.mark.parametrize("path", TEMPLATES)
def test_a_backslash_means_the_same_in_every_session(path: str) -> None:
    """Only in E'' does standard_conforming_strings not decide what it is."""
    literals = [token for token in words_of(path) if token.startswith("'")]
    assert [literal for literal in literals if "\\" in literal] == []


@pytest.mark.parametrize("path", OBJECTS)
def test_a_comment_and_a_revoke_follow_each_routine(path: str) -> None:
    code = code_of(path)
    for kind, name in created_by(path):
        if kind in ("FUNCTION", "PROCEDURE"):
            routine = rf"{kind} \w+ \. {name}\b"
            assert re.search(
                rf"CREATE (OR REPLACE )?{routine}.*COMMENT ON {routine}.*"
                rf"REVOKE ALL ON {routine}[^;]* FROM PUBLIC ;",
                code,
            ), name


@pytest.mark.parametrize("path", OBJECTS)
def test_a_routine_is_short_or_says_why_not(path: str) -> None:
    for match in ROUTINE.finditer(text_of(path)):
        if len(match[0].splitlines()) >= MAX_ROUTINE_LINES:
            assert f"-- Longer than {MAX_ROUTINE_LINES} lines: " in match[3], match[1]


@pytest.mark.parametrize("path", OBJECTS)
def test_a_local_is_not_named_as_a_parameter(path: str) -> None:
    for match in ROUTINE.finditer(text_of(path)):
        declared = "\n".join(DECLARED.findall(match[3]))
        assert re.findall(r"^    (p_\w+) \w", declared, re.MULTILINE) == [], match[1]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_a_line_of_a_template_is_short(path: Path) -> None:
    assert [line for line in path.read_text().splitlines() if len(line) > MAX_COLUMNS] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_reasons_are_in_the_rendered_body(path: Path) -> None:
    """A comment of the template is a macro's contract, above it; ``--`` says the rest."""
    bodies = [match[0] for match in TEMPLATE_BODY.finditer(path.read_text())]
    assert [body for body in bodies if "{#" in body] == []


@pytest.mark.parametrize("path", OBJECTS)
def test_an_object_uses_only_stages_to_its_left(path: str) -> None:
    used = IN_SCHEMA.findall(code_of(path))
    later = {name for name in used if stages().get(name, 0) > stage_of(path)}
    assert later == set()


@pytest.mark.parametrize(
    "path",
    [p for p in OBJECTS if p not in OF_BOTH],
)
def test_neither_ledger_knows_the_other(path: str) -> None:
    """``billing`` and ``ledger`` use ``ops``, which knows of their tenants alone."""
    used = set(IN_SCHEMA.findall(code_of(path))) - {("billing", "tenants")}
    schemas = {schema for schema, _ in used}
    makes_of_ops = {schema for _, schema, _ in CREATED.findall(code_of(path))} == {"ops"}
    assert schemas <= {"ops"} if makes_of_ops else len(schemas - {"ops"}) == 1


def test_every_folder_is_a_stage() -> None:
    folders = {
        str(file.parent.relative_to(ROOT))
        for top in ("sql", "procedures", "verify")
        for file in (ROOT / top).rglob("*.sql.j2")
    }
    of_profiles = {stage for name in profile.names() for stage in stages_of(profile.of(name))}
    assert folders <= {
        *STAGES,
        *of_profiles,
        *stages_of(citus=True),
        "sql/macros",
        "sql/applying",
        "verify/faults",
    }


def test_every_migration_is_a_pair() -> None:
    files = {file.name for file in (ROOT / "migrations").glob("[0-9]*")}
    rollbacks = {name for name in files if name.endswith(".rollback.sql.j2")}
    names = sorted(name.removesuffix(".py") for name in files if name.endswith(".py"))
    pairs = {f"{name}{suffix}" for name in names for suffix in (".py", ".sql.j2")}
    assert files - rollbacks == pairs
    assert rollbacks <= {f"{name}.rollback.sql.j2" for name in names}
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    for name in names:
        python = (ROOT / f"migrations/{name}.py").read_text()
        assert f'steps = steps_of("{name}")' in python


def test_a_migration_is_frozen() -> None:
    """Regenerate the list with ``sha256sum *.sql.j2 >checksums`` in migrations/."""
    files = sorted((ROOT / "migrations").glob("[0-9]*.sql.j2"))
    sums = [f"{sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in files]
    assert (ROOT / "migrations/checksums").read_text().splitlines() == sums
    # What a template takes from another is not in the list.
    taking = re.compile(r"{%-? *(from|import|include|extends)")
    assert not [file.name for file in files if taking.search(file.read_text())]


def test_every_body_compiles(database: Database) -> None:
    definitions = database.execute(
        "SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p JOIN pg_namespace AS n"
        " ON n.oid = p.pronamespace WHERE n.nspname IN ('billing', 'ledger', 'ops')"
    ).fetchall()
    assert definitions
    database.execute("SET check_function_bodies = on")
    for (definition,) in definitions:
        database.execute(definition)


def test_every_routine_is_described_and_private(database: Database) -> None:
    rows = database.execute(
        "SELECT p.oid::regprocedure::text, obj_description(p.oid, 'pg_proc') IS NOT NULL,"
        " EXISTS (SELECT 1 FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a"
        " WHERE a.grantee = 0)"
        " FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN ('billing', 'ledger', 'ops')"
    ).fetchall()
    assert [name for name, described, _ in rows if not described] == []
    assert [name for name, _, public in rows if public] == []


def test_parameters_have_their_prefix(database: Database) -> None:
    rows = database.execute(
        "SELECT p.oid::regprocedure::text, a.name, a.mode"
        " FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " CROSS JOIN unnest(p.proargnames,"
        "   coalesce(p.proargmodes, array_fill('i'::\"char\", ARRAY[p.pronargs::integer])))"
        " AS a (name, mode)"
        " WHERE n.nspname IN ('billing', 'ledger', 'ops')"
    ).fetchall()
    prefixes = {"i": "p_", "o": "o_", "b": "o_", "v": "p_", "t": ""}
    assert [row for row in rows if not row[1].startswith(prefixes[row[2]])] == []


def test_every_sqlstate_is_listed_and_used(database: Database) -> None:
    listed = {code for (code,) in database.execute("SELECT code FROM ops.error_codes()")}
    used = {
        code
        for path in [*OBJECTS, *migration_paths()]
        if not path.endswith("/error_codes.sql.j2")
        for code in re.findall(r"'(DC\d{3})'|\bfail\(\s*'(\w{5})'", text_of(path))
    }
    assert {code for pair in used for code in pair if code} == listed


def test_one_routine_raises() -> None:
    """But for the scripts of plans, which run where that routine is not."""
    raising = {path for path in OBJECTS if "RAISE EXCEPTION" in code_of(path)}
    scripts = {
        "sql/plan/_plan_script_tail.sql.j2",
        "sql/linkage/_linkage_script_tail.sql.j2",
        "sql/charge_plan/_charge_script_tail.sql.j2",
    }
    assert raising == {"sql/ops/fail.sql.j2", *scripts}


def calls_of(names: set[str], path: str) -> Iterator[list[list[str]]]:
    """Yield the arguments, as tokens, of each call of some routines in a rendered file."""
    words = words_of(path)
    for start in (n + 2 for n, word in enumerate(words) if word in names and words[n + 1] == "("):
        depth, arguments = 1, [[]]  # type: tuple[int, list[list[str]]]
        for word in words[start:]:
            depth += (word == "(") - (word == ")")
            if not depth:
                break
            if word == "," and depth == 1:
                arguments.append([])
            else:
                arguments[-1].append(word)
        yield arguments


@pytest.mark.parametrize("path", OBJECTS)
def test_a_hint_is_a_sentence_or_a_command(path: str) -> None:
    hints = [call[2] for call in calls_of({"fail"}, path) if call[0] != ["p_code", "text"]]
    hints += [call[1] for call in calls_of({"assert_valid"}, path) if len(call) > 1]
    for hint in hints:
        ends = [
            word[-2]
            for word, following in pairwise([*hint, ")"])
            if len(word) > 20 and word[-1] == "'" and following[0] not in "'|"
        ]
        assert ends or hint == ["p_hint"]
        assert set(ends) <= {".", ";"}


@pytest.mark.parametrize("path", sorted((ROOT / "duecourse").rglob("*.py")), ids=lambda p: p.name)
def test_no_module_does_the_databases_work(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MAX_MODULE_LINES


def test_every_statement_for_applying_is_used() -> None:
    folder = ROOT / "sql/applying"
    files = [*(ROOT / "duecourse").glob("*.py"), folder / "bundle_functions.sql.j2"]
    used = "\n".join(file.read_text() for file in files)
    names = {file.name.partition(".")[0] for file in folder.glob("*.sql.j2")}
    assert {name for name in names if f'"{name}"' not in used} == {"bundle_functions"}
