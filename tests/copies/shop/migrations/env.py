"""What `alembic upgrade head` runs."""

from alembic import context
from shop.tables import Base, engine

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
