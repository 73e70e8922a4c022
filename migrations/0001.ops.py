"""The schemas, and the record of the repeatable objects."""

from yoyo import step

from duecourse.render import render

steps = [step(render("migrations/0001.ops.sql.j2"))]
