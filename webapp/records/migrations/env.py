"""What Alembic runs: migrates over the connection that it is handed."""

from alembic import context

from webapp.records.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,  # SQLite's schema changes roll back too, once BEGIN is ours
)
with context.begin_transaction():
    context.run_migrations()
