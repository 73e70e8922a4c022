"""What a shell completes, the sample that is shipped, and an example in every help."""

from collections.abc import Iterator

import click
import pytest
from click.shell_completion import ShellComplete

from duecourse.cli import main
from duecourse.objects import checks
from tests.conftest import Command, Database


def completed(*typed: str) -> list[str]:
    """Return what completes a command line whose last word was begun."""
    found = ShellComplete(main, {}, "duecourse", "_DUECOURSE_COMPLETE").get_completions(
        list(typed[:-1]), typed[-1]
    )
    return [item.value for item in found]


def commands(
    command: click.Command, ctx: click.Context, *path: str
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, by what one types."""
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    for name in command.list_commands(ctx):
        below = command.get_command(ctx, name)
        assert below is not None
        yield from commands(below, ctx, *path, name)


def test_commands_operations_and_checks() -> None:
    assert completed("ten") == ["tenants"]
    assert completed("run", "rep") == ["replenish"]
    assert completed("verify", "--check", "row_o") == ["row_overlap"]
    assert set(completed("verify", "--skip", "")) >= set(checks())


def test_tenants(
    shared_dsn: str, shared_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_database.execute(
        "INSERT INTO billing.tenants VALUES (gen_random_uuid(), 'Alder Row'),"
        " (gen_random_uuid(), 'Alder Court'), (gen_random_uuid(), 'Birch')"
    )
    monkeypatch.setenv("DATABASE_URL", shared_dsn)
    assert completed("coverage", "--tenant", "ald") == ["Alder Court", "Alder Row"]
    monkeypatch.setenv("DATABASE_URL", "postgresql://postgres@127.0.0.1:1/books")
    assert completed("coverage", "--tenant", "ald") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(typed: Command, shell: str) -> None:
    done = typed("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_DUECOURSE_COMPLETE={shell}_complete" in done.stdout


def test_the_sample_that_is_shipped(typed: Command, dsn: str, database: Database) -> None:
    assert typed("import", "--sample", "--dsn", dsn).returncode == 0
    assert typed("import", "--sample", "rent", "--dsn", dsn).returncode == 0
    found = database.execute(
        "SELECT (SELECT count(*) FROM billing.contract_lines), (SELECT count(*) FROM ledger.units)"
    ).fetchone()
    assert found == (37, 5)
    for wrong in ((), (".", "--sample")):
        done = typed("import", *wrong, "--dsn", dsn)
        assert done.stderr == (
            "error: name either FOLDER or --sample — see: duecourse import --help\n"
        )


def test_every_help_has_an_example() -> None:
    root = click.Context(main, **main.context_settings)
    found = dict(commands(main, root))
    assert len(found) > 40
    assert [name for name, each in found.items() if f"duecourse {name}" not in str(each.help)] == []
