"""Every command has its help; apply, status and render say what they do."""

import json
from pathlib import Path

import click
import pytest

from duecourse import __version__
from duecourse.cli import main
from duecourse.errors import ExitStatus
from tests.conftest import Command, Database

CONTEXT = click.Context(main, **main.context_settings)
COMMANDS = main.list_commands(CONTEXT)


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str) -> None:
    command = main.get_command(CONTEXT, name)
    assert command is not None
    assert command.name == name
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
    offered = {option for parameter in command.params for option in parameter.opts}
    assert offered >= {"--format", "--debug", "--dsn", "--embedded"}


def test_help_from_outside(duecourse: Command) -> None:
    done = duecourse()
    assert done.returncode == ExitStatus.DONE
    assert done.stdout == duecourse("--help").stdout
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert duecourse("apply", "-h").returncode == ExitStatus.DONE
    assert duecourse("--version").stdout == f"duecourse, version {__version__}\n"


def test_apply_and_status(duecourse: Command, empty_dsn: str, empty_database: Database) -> None:
    where = ("--dsn", empty_dsn)
    before = duecourse("status", *where)
    assert before.returncode == ExitStatus.DONE
    assert "migrations  0 applied, " in before.stdout
    assert len(before.stdout.splitlines()) < 20
    assert duecourse("status", *where, "--detailed-exitcode").returncode == 2
    [(tables,)] = empty_database.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    )
    assert tables == 0

    done = json.loads(duecourse("apply", *where, "--format", "json").stdout)
    assert done["migrations"][0] == "0001.ops"
    assert {item["state"] for item in done["objects"]} == {"new"}

    assert duecourse("apply", *where).stdout.endswith(": nothing to apply\n")
    after = duecourse("status", *where, "--detailed-exitcode")
    assert after.returncode == ExitStatus.DONE
    assert after.stdout.splitlines()[1:] == [
        f"migrations  {len(done['migrations'])} applied, 0 pending",
        f"objects     {len(done['objects'])} applied, 0 to apply",
        "drift       no differences",
    ]
    found = json.loads(duecourse("status", *where, "--format", "json").stdout)
    assert found["applied"] == done["migrations"]
    assert [found[key] for key in ("pending", "edited", "differences")] == [[], [], []]
    assert found["locked_by"] is None


def test_status_names_who_holds_yoyos_lock(
    duecourse: Command, dsn: str, database: Database
) -> None:
    database.execute("INSERT INTO ops.yoyo_lock VALUES (1, '2026-11-20 10:00:00', 4711)")
    done = duecourse("status", "--dsn", dsn)
    assert "yoyo's lock is held by process 4711 since 2026-11-20 10:00:00 UTC" in done.stdout


def test_the_connection_comes_from_the_environment(duecourse: Command, dsn: str) -> None:
    assert duecourse("status", env={"DATABASE_URL": dsn}).returncode == ExitStatus.DONE
    assert duecourse("--dsn", dsn, "status").returncode == ExitStatus.DONE


def test_render_without_a_database(duecourse: Command, tmp_path: Path) -> None:
    everything = duecourse("render").stdout
    one = duecourse("render", "0001.ops").stdout
    assert everything.startswith(one)
    assert json.loads(duecourse("render", "0001.ops", "--format", "json").stdout) == {
        "migrations/0001.ops.sql.j2": one
    }
    duecourse("render", "--out", tmp_path / "sql")
    assert (tmp_path / "sql/migrations/0001.ops.sql").read_text() == one


def test_render_with_other_names(duecourse: Command, tmp_path: Path) -> None:
    (tmp_path / "duecourse.toml").write_text('[schemas]\nops = "Records"\n')
    assert 'CREATE SCHEMA IF NOT EXISTS "Records";' in duecourse("render", "0001.ops").stdout
