"""After every set of migrations: the views, routines, triggers and types."""

from yoyo import step

from duecourse.catalog import apply_objects
from duecourse.config import load

step(lambda connection: apply_objects(connection, load()))
