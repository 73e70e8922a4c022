"""The one exception of the package, and how errors of the database become it."""

from enum import IntEnum

import psycopg


class ExitStatus(IntEnum):
    """What a command tells its caller."""

    DONE = 0
    ERROR = 1
    CHANGES_PENDING = 2
    VERIFICATION_FAILED = 3
    LOCK_BUSY = 4
    PLAN_STALE = 5
    REFUSED = 6
    INTERRUPTED = 130


class DuecourseError(Exception):
    """What is wrong, what to do about it, and the exit status that tells so."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        sqlstate: str | None = None,
        exit_status: ExitStatus = ExitStatus.ERROR,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.sqlstate = sqlstate
        self.exit_status = exit_status

    def __str__(self) -> str:
        """Return one line: what is wrong — what to do."""
        return " ".join(" — ".join(filter(None, (self.message, self.hint))).split())


_APPLY = "run: duecourse apply"
_MISSING_PERMISSION = "42501"  # the database says which, and how it is granted
_AGAIN = "what is committed is kept; run the same command again"
_HINTS = {
    "3D000": "name an existing database in --dsn, DATABASE_URL or PGDATABASE",
    "3F000": f"{_APPLY}; or name the schemas of this database in duecourse.toml",
    "25006": "connect to the primary; if this is it, default_transaction_read_only is on for the "
    "database or the role: RESET it there, or set PGOPTIONS to '-c "
    "default_transaction_read_only=off'",
    "40001": _AGAIN,
    "40P01": _AGAIN,
    _MISSING_PERMISSION: "connect as the owner of the schemas, or let the owner grant the right",
    "42883": _APPLY,
    "42P01": _APPLY,
    "42703": _APPLY,
    "2BP01": "drop what depends on it, then run: duecourse apply",
    "53300": "close other sessions, or wait",
    "55P03": "another session holds the lock; run again when it is done",
    "57014": _AGAIN,
    "57P01": _AGAIN,
    "57P02": _AGAIN,
    "57P03": "wait until the server has started",
}
_STATUSES = {
    "55P": ExitStatus.LOCK_BUSY,
    "DC1": ExitStatus.REFUSED,
}


def from_database_error(error: psycopg.Error) -> DuecourseError:
    """Translate an error of the server or of the connection into one line that says what to do."""
    state = error.sqlstate
    if state is None:
        return DuecourseError(_first_sentence(str(error)), _AGAIN)
    message = ": ".join(
        [*getattr(error, "__notes__", ()), error.diag.message_primary or str(error)]
    )
    if error.diag.message_detail:
        message = f"{message} ({error.diag.message_detail})"
    hint = _HINTS.get(state)
    if hint is None or state == _MISSING_PERMISSION:
        hint = error.diag.message_hint or hint or f"SQLSTATE {state}"
    return DuecourseError(message, hint, sqlstate=state, exit_status=exit_status(state))


def exit_status(sqlstate: str) -> ExitStatus:
    """Return what a command exits with for an SQLSTATE; for our own, as ops.error_codes() says."""
    return _STATUSES.get(sqlstate[:3], ExitStatus.ERROR)


def _first_sentence(text: str) -> str:
    """Return libpq's message without the advice that it prints on indented lines of its own."""
    text = text.removeprefix("connection failed: ").removeprefix("connection is bad: ")
    lines = [line for line in text.splitlines() if line and not line[0].isspace()]
    return "; ".join(lines) or "the connection to the server was lost"
