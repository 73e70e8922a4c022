"""The settings of the engine: how a database stands to them, and bringing it there."""

from dataclasses import dataclass, replace

from duecourse import citus
from duecourse.changes import counted
from duecourse.config import Config
from duecourse.database import Connection, rows_of
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.profile import NATIVE

#: The procedure that moves the ledger, of schema ops.
_MOVING = "partition_ledger"


@dataclass(frozen=True)
class Engine:
    """Into how many partitions the ledger is cut (0: into none), and what the settings say.

    ``moving``: into how many a move that has not ended is bringing it, with the pages of the tables
    that it has copied. ``is_distributed``: by Citus; ``to_distribute``: how many tables an apply
    would distribute.
    """

    wanted: int
    partitions: int = 0
    moving: int | None = None
    pages_copied: int = 0
    pages: int = 0
    is_distributed: bool = False
    wants_citus: bool = False
    to_distribute: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether an apply has something to move."""
        return (
            self.wanted != self.partitions
            or self.moving is not None
            or self.wants_citus != self.is_distributed
            or self.to_distribute > 0
        )

    @property
    def told(self) -> str | None:
        """Say it in words; None where there is nothing to say."""
        if self.is_distributed or self.wants_citus:
            says = "distributed by Citus" if self.is_distributed else "not distributed"
            if self.to_distribute:
                says += f", {counted(self.to_distribute, 'table')} to distribute"
            if self.is_distributed != self.wants_citus:
                says += f"; duecourse.toml says citus = {str(self.wants_citus).lower()}"
            return says
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
    found = Engine(config.ledger_partitions, *row)
    return replace(
        found,
        # A database that somebody has distributed by hand is one that is distributed.
        is_distributed=found.is_distributed or bool(citus.tables(connection, config)),
        wants_citus=config.citus,
        to_distribute=citus.left(connection, config) if config.citus else 0,
    )


def refuse_other(connection: Connection, config: Config) -> None:
    """Refuse settings that are not those of the database, and that an apply does not bring about.

    It cuts plain tables, ends what it has begun, and distributes what is not yet.
    """
    found = look(connection, config)
    if found.is_distributed and not config.citus:
        raise DuecourseError(
            "the tables are distributed by Citus, and [engine] citus says nothing of it",
            "set citus = true in duecourse.toml",
            exit_status=ExitStatus.REFUSED,
        )
    if config.citus:
        if config.profile != NATIVE:
            raise DuecourseError(
                f"[engine] citus is set, and the tables of {config.profile.name} are not ours to "
                "distribute",
                "take citus out of duecourse.toml",
                exit_status=ExitStatus.REFUSED,
            )
        if found.partitions or found.moving is not None:
            raise DuecourseError(
                f"the ledger is cut into {_partitions(found.partitions)}, and [engine] citus asks "
                "for shards",
                f"make it plain first: {statement(config, 0)}",
                exit_status=ExitStatus.REFUSED,
            )
        citus.check(connection, config)
        return
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
