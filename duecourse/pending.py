"""What an apply would do, as SQL: read from the database, which nothing is done to."""

from dataclasses import dataclass, field

from duecourse import engine, frozen
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
    CALL that moves the ledger into its partitions, if it is to be.
    """

    place: str
    migrations: list[str]
    objects: list[ObjectState]
    texts: dict[str, str] = field(repr=False)
    move: str | None = None

    @property
    def counted(self) -> str:
        """How much there is to apply, in words."""
        return to_apply(len(self.migrations), len(self.objects), moves=bool(self.move))


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
    partitions = config.ledger_partitions
    is_to_move = engine.look(connection, config).is_pending
    move = engine.statement(config, partitions) if is_to_move else None
    return Pending(where(connection), found.pending, objects, texts, move), config


def to_apply(migrations: int, objects: int, *, moves: bool = False) -> str:
    """Return in words how much there is to apply."""
    told = [
        counted(number, noun)
        for number, noun in ((migrations, "migration"), (objects, "object"))
        if number
    ]
    if moves:
        told.append("the partitions of the ledger")
    return f"{' and '.join(told)} to apply" if told else "nothing to apply"


def banner(path: str, what: str) -> str:
    """Return what stands before a file."""
    return f"-- ==== {path}: {what}\n"
