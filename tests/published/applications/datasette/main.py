"""Datasette with one table."""

import sqlite3

from datasette.app import Datasette

with sqlite3.connect("books.db") as connection:
    connection.execute("create table if not exists books (id integer primary key, title text)")
    connection.execute("insert or replace into books values (1, 'Emma')")
app = Datasette(["books.db"]).app()
