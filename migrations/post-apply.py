"""After every set of migrations: the views, routines, triggers and types."""

from yoyo import step

from duecourse.config import load
from duecourse.migrate import finish

step(lambda connection: finish(connection, load()))
