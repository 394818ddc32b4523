"""Alembic's environment: runs on the connection, and inside the transaction and lock, of `init_db`."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # Only a comparison with the models needs them; they lie above this package.
    target_metadata=context.config.attributes.get("target_metadata"),
)
context.run_migrations()
