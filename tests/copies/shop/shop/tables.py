"""The database."""

import os

from sqlalchemy import create_engine, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# pool_pre_ping: a connection that a restart of the database ended is replaced, and no request meets it.
engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]
    shipped: Mapped[bool] = mapped_column(server_default=false())
