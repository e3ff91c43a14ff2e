"""The schema's history (Alembic), imported only when a migration is due.

A change of the schema is one new file under ``versions`` and its number in ``HEAD``; released files never change.
"""

HEAD = "0005"
