"""After every set of migrations: the views, routines, triggers and types."""

from yoyo import step

from duecourse.config import load
from duecourse.objects import apply_objects

step(lambda connection: apply_objects(connection, load()))
