"""Alembic's entry point: it runs inside the transaction that ``ztpd.store.schema`` has opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
