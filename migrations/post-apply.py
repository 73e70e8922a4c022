"""After every set of migrations: the views, routines, triggers and types."""

from yoyo import step

from duecourse.adopted import config_of
from duecourse.migrate import finish

step(lambda connection: finish(connection, config_of(connection)))
