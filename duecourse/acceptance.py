"""Accepting a drift that was reviewed: it is what is recorded from then on, with who and why."""

from psycopg.types.json import Jsonb

from duecourse.adopted import config_of
from duecourse.catalog import CATALOG_LOCK, Difference
from duecourse.database import query, table_exists
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.registry import Registry
from duecourse.removal import begin


def accept(
    dsn: str | None, names: list[str], *, reason: str, lock_timeout: float = 30
) -> list[Difference]:
    """Record drifted objects as they are; return what was different. All of them or none.

    A name is an identity as ``status`` shows it, or that without the kind. What hangs on a table
    that is missing or not ours is accepted with it. An apply leaves what was accepted, until the
    file of that object changes.
    """
    if not reason.strip():
        raise DuecourseError("a reason is missing", "say why it may stay so: --reason")
    with Registry.of(dsn) as registry:
        begin(registry, lock_timeout)
        connection, config = registry.connection, config_of(registry.connection)
        if not table_exists(connection, config, "accepted_drift"):
            raise DuecourseError("this version is not applied here", "run: duecourse apply")
        with connection.transaction():
            query(connection, "begin", config)
            query(connection, "wait_for_catalog", key=CATALOG_LOCK)
            rows = query(connection, "differences", config, schemas=config.schemas)
            chosen = _chosen([Difference(*row) for row in rows], names)
            given = {
                "identities": list(chosen),
                "wholes": [name for name, found in chosen.items() if found.state != "changed"],
            }
            query(connection, "forget_drift", config, **given)
            paths = {name: found.path for name, found in chosen.items() if found.path}
            given |= {"schemas": config.schemas}
            query(connection, "record_drift", config, paths=Jsonb(paths), **given)
            for name, found in chosen.items():
                query(
                    connection,
                    "accept_drift",
                    config,
                    identity=name,
                    reason=reason.strip(),
                    state=found.state,
                    recorded=found.recorded,
                    live=found.live,
                )
    return list(chosen.values())


def _chosen(differences: list[Difference], names: list[str]) -> dict[str, Difference]:
    """Return the differences of some names by identity; refuse a name of none or of several."""
    chosen = {}
    for name in names:
        matches = [found for found in differences if name == found.identity] or [
            found for found in differences if name == found.name
        ]
        if not matches:
            raise DuecourseError(
                f"nothing differs in {name!r}",
                "duecourse status names what does",
                exit_status=ExitStatus.REFUSED,
            )
        if matches[1:]:
            raise DuecourseError(
                f"{name!r} names {' and '.join(found.identity for found in matches)}",
                "write the kind before the name",
                exit_status=ExitStatus.REFUSED,
            )
        chosen[matches[0].identity] = matches[0]
    return chosen
