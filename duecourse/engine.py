"""The settings of the engine: how a database stands to them, and bringing it there."""

from dataclasses import dataclass

from duecourse.config import Config
from duecourse.database import Connection, rows_of
from duecourse.errors import DuecourseError, ExitStatus

#: The procedure that moves the ledger, of schema ops.
_MOVING = "partition_ledger"


@dataclass(frozen=True)
class Engine:
    """Into how many partitions the ledger is cut (0: into none), and what the settings say.

    ``moving``: into how many a move that has not ended is bringing it, with the pages of the tables
    that it has copied.
    """

    wanted: int
    partitions: int = 0
    moving: int | None = None
    pages_copied: int = 0
    pages: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether an apply has something to move."""
        return self.wanted != self.partitions or self.moving is not None

    @property
    def told(self) -> str | None:
        """Say it in words; None where there is nothing to say."""
        says = f"{self.partitions or 'no'} partitions of the ledger"
        if self.moving is not None:
            says += (
                f", on the way to {self.moving or 'none'} "
                f"({self.pages_copied:,} of {self.pages:,} pages)"
            )
        if self.wanted != self.partitions:
            says += f"; duecourse.toml says {self.wanted or 'none'}"
        return says if self.partitions or self.is_pending else None


def look(connection: Connection, config: Config) -> Engine:
    """Return how a database stands to the settings; reads only."""
    [row] = rows_of(connection, config, "engine_settings", "engine") or [()]
    return Engine(config.ledger_partitions, *row)


def refuse_other(connection: Connection, config: Config) -> None:
    """Refuse settings that are not those of the database, and that an apply does not bring about.

    It cuts plain tables, and ends what it has begun.
    """
    found = look(connection, config)
    if found.moving is not None and found.moving != found.wanted:
        raise DuecourseError(
            f"the ledger is on the way to {_partitions(found.moving)}, and [engine] "
            f"ledger_partitions says {found.wanted or 'nothing'}",
            f"let it end: {statement(config, found.moving)}; "
            f"or give it up: {statement(config, found.partitions)}",
            exit_status=ExitStatus.REFUSED,
        )
    if found.partitions not in (0, found.wanted):
        raise DuecourseError(
            f"the ledger is cut into {_partitions(found.partitions)}, and [engine] "
            f"ledger_partitions says {found.wanted or 'nothing'}",
            f"set ledger_partitions = {found.partitions} in duecourse.toml; "
            f"or move the ledger: {statement(config, found.wanted)}",
            exit_status=ExitStatus.REFUSED,
        )


def settle(connection: Connection, config: Config) -> bool:
    """Cut the ledger as the settings say; return whether there was something to do."""
    if not config.ledger_partitions:
        return False
    [row] = connection.execute(statement(config, config.ledger_partitions).encode())
    return bool(row[-1] == "done")


def statement(config: Config, partitions: int) -> str:
    """Return the CALL that brings the ledger into so many partitions."""
    return f"CALL {config.identifiers['ops']}.{_MOVING}({partitions})"


def _partitions(number: int) -> str:
    return f"{number} partitions" if number else "plain tables"
