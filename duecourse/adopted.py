"""How a database was adopted: its record, and who may not work on it because of that."""

from dataclasses import asdict, replace
from uuid import uuid4

from duecourse import profile
from duecourse.config import Config, load
from duecourse.database import Connection, query, table_exists
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.profile import NATIVE, NOTHING_ADOPTED, Adoption, Wanted


def config_of(connection: Connection) -> Config:
    """Return the settings, with how this database was adopted."""
    config = load()
    if not table_exists(connection, config, "adoption"):
        return config
    [row] = query(connection, "adoption", config)
    return replace(config, adoption=Adoption(*row))


def refuse_adopted(config: Config, instead: str) -> None:
    """Refuse what is not for a database that was adopted; ``instead`` is what is."""
    adoption = config.adoption
    if adoption.profile != NATIVE.name:
        raise DuecourseError(
            f"the database was adopted as {adoption.profile} (schema {adoption.source})",
            instead,
            exit_status=ExitStatus.REFUSED,
        )


def settled(connection: Connection, config: Config, wanted: Wanted) -> Config:
    """Return the settings with what is wanted beside what is recorded; or refuse by name."""
    recorded = config.adoption
    given = {name: value for name, value in asdict(wanted).items() if value is not None}
    if recorded == NOTHING_ADOPTED:
        _refuse_what_is_there(connection, config)
        tenant = uuid4() if profile.of(wanted.profile).one_tenant else None
        return replace(config, adoption=Adoption(**given, tenant=tenant))
    if (wanted.profile, wanted.source or recorded.source) != (recorded.profile, recorded.source):
        refuse_adopted(config, "to adopt it otherwise, first: duecourse unadopt")
    return replace(config, adoption=replace(recorded, **given))


def _refuse_what_is_there(connection: Connection, config: Config) -> None:
    """Refuse a database in which schemas of our names are already."""
    there = [name for (name,) in query(connection, "schemas", config, schemas=config.schemas)]
    if table_exists(connection, config, "applied_objects"):
        raise DuecourseError(
            f"the database has tables of duecourse's own (schemas {', '.join(there)})",
            "adopt another database; or, if nobody needs their rows: duecourse uninstall",
            exit_status=ExitStatus.REFUSED,
        )
    if there:
        raise DuecourseError(
            f"schema {there[0]} is there already, and not by duecourse",
            "give ours another name: table [schemas] of duecourse.toml",
            exit_status=ExitStatus.REFUSED,
        )
