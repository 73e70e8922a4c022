"""What an apply would do, as SQL: read from the database, which nothing is done to."""

from dataclasses import dataclass, field

from duecourse import citus, engine, frozen
from duecourse.adopted import config_of, refuse_adopted
from duecourse.changes import counted
from duecourse.config import Config
from duecourse.database import Connection, where
from duecourse.migrate import status
from duecourse.objects import ObjectState, State
from duecourse.render import render


@dataclass(frozen=True)
class Pending:
    """The migrations and the objects that an apply would run, and the text of each by its file.

    Objects that are ``removed`` have no text: an apply drops what their files made. ``move``: the
    CALL that moves the ledger into its partitions, or the statements that distribute the tables, if
    they are to be; ``moves`` says which.
    """

    place: str
    migrations: list[str]
    objects: list[ObjectState]
    texts: dict[str, str] = field(repr=False)
    move: str | None = None
    moves: str = "partitions of the ledger"

    @property
    def counted(self) -> str:
        """How much there is to apply, in words."""
        moves = self.moves if self.move else ""
        return to_apply(len(self.migrations), len(self.objects), moves=moves)


def pending(connection: Connection) -> tuple[Pending, Config]:
    """Look what an apply would do; takes no lock, and refuses where adopt is the one to run."""
    config = config_of(connection)
    refuse_adopted(
        config, f"to see what adopt would do: duecourse adopt {config.adoption.profile} --dry-run"
    )
    engine.refuse_other(connection, config)
    found = status(connection)
    objects = [item for item in found.objects if item.state is not State.APPLIED]
    paths = [frozen.template(name) for name in found.pending]
    paths += [item.path for item in objects if item.state is not State.REMOVED]
    texts = {path: render(path, config) for path in paths}
    move, moves = None, Pending.moves
    if config.citus:
        move = ";\n".join(text for _, text in citus.statements(connection, config)) or None
        moves = "distribution of the tables"
    elif engine.look(connection, config).is_pending:
        move = engine.statement(config, config.ledger_partitions)
    return Pending(where(connection), found.pending, objects, texts, move, moves), config


def to_apply(migrations: int, objects: int, *, moves: str = "") -> str:
    """Return in words how much there is to apply."""
    told = [
        counted(number, noun)
        for number, noun in ((migrations, "migration"), (objects, "object"))
        if number
    ]
    if moves:
        told.append(f"the {moves}")
    return f"{' and '.join(told)} to apply" if told else "nothing to apply"


def banner(path: str, what: str) -> str:
    """Return what stands before a file."""
    return f"-- ==== {path}: {what}\n"
