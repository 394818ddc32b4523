"""Alembic's environment: runs on the connection that `init_db` hands over."""

from alembic import context

from racing_coach_server.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=False
)
# init_db holds the transaction and the lock.
context.run_migrations()
