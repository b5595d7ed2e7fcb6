"""How Alembic runs here: on the connection that `monitor.store.migrations` hands over, inside its transaction.

There is no other way in (`access-monitor db upgrade`), so that a migration always holds the writer's lock.
"""

from alembic import context

from monitor.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
