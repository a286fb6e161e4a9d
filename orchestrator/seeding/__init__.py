"""Made-up runs, to try pages and queries on a database that is full."""

from orchestrator.seeding.filling import fill, is_empty, settle

__all__ = ["fill", "is_empty", "settle"]
