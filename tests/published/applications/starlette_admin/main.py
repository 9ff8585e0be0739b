"""Starlette-Admin in a FastAPI application."""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from sqlalchemy import String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool
from starlette_admin.contrib.sqla import Admin, ModelView


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))


engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Book(title="Emma"))
    session.commit()
app = FastAPI()
admin = Admin(engine, title="Books")
admin.add_view(ModelView(Book))
admin.mount_to(app)


@app.get("/", response_class=HTMLResponse)
async def read_page() -> str:
    return '<!doctype html><title>Books</title><a href="admin/">Admin</a> <a href="admin/book/list">Books</a>'
