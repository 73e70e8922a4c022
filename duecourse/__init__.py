"""Find, plan, repair and verify recurring billing in PostgreSQL; a thin shell over its SQL."""

__version__ = "0.9.0"
