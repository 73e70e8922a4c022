"""The permissions of operators, by tenant and database role."""

from yoyo import step

from duecourse.render import render

__depends__ = {"0002.runs"}

steps = [step(render("migrations/0007.tenant_permissions.sql.j2"))]
