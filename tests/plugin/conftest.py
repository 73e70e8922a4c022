"""The project is not tested as a part of this one."""

collect_ignore = ["project"]
