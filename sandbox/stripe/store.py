"""The sandbox's own SQLite file: objects, kept answers, deliveries, and the set clock.

One connection behind one lock: requests run one after the other, each in a transaction
of its own, so that what a request did and the answer kept for it appear together.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sandbox.stripe.errors import Json

SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, seq);
CREATE TABLE IF NOT EXISTS answer (
  key TEXT PRIMARY KEY, request TEXT NOT NULL, request_id TEXT NOT NULL,
  status INTEGER NOT NULL, body TEXT NOT NULL, made_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, event TEXT NOT NULL,
  state TEXT NOT NULL, fault TEXT NOT NULL, due REAL NOT NULL, tries TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (state, due);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
TABLES = ("object", "answer", "delivery", "setting")


class Store:
    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.rows = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.rows.row_factory = sqlite3.Row
        self.rows.execute("PRAGMA journal_mode=WAL")
        # A crash of the machine may lose the last requests: it is a sandbox.
        self.rows.execute("PRAGMA synchronous=OFF")
        self.rows.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.lock:
            self.rows.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.rows.execute("ROLLBACK")
                raise
            self.rows.execute("COMMIT")

    def empty(self) -> None:
        with self.transaction():
            for table in TABLES:
                self.rows.execute(f"DELETE FROM {table}")  # noqa: S608  # our names

    def now(self) -> int:
        return int(time.time()) + int(self.setting("clock_offset", "0"))

    def set_clock(self, at: int | None) -> None:
        """The clock runs on from `at`; None puts it right again."""
        offset = 0 if at is None else at - int(time.time())
        self.set_setting("clock_offset", str(offset))

    def setting(self, name: str, default: str) -> str:
        with self.lock:
            row = self.rows.execute(
                "SELECT value FROM setting WHERE name = ?", (name,)
            ).fetchone()
        return row["value"] if row else default

    def set_setting(self, name: str, value: str) -> None:
        with self.lock:
            self.rows.execute("REPLACE INTO setting VALUES (?, ?)", (name, value))

    def get(self, kind: str, name: str) -> Json | None:
        with self.lock:
            row = self.rows.execute(
                "SELECT body FROM object WHERE id = ? AND kind = ?", (name, kind)
            ).fetchone()
        return json.loads(row["body"]) if row else None

    def put(self, body: Json) -> None:
        with self.lock:
            self.rows.execute(
                "INSERT INTO object (id, kind, body) VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                (body["id"], body["object"], json.dumps(body)),
            )

    def select(self, kind: str, where: Mapping[str, object]) -> list[Json]:
        """Newest first; `where` maps fields (our own names) to values, or to None."""
        clauses, values = ["kind = ?"], [kind]
        for path, value in where.items():
            clauses.append(f"json_extract(body, '$.{path}') IS ?")
            values.append(value)  # type: ignore[arg-type]  # any SQLite value
        with self.lock:
            sql = f"SELECT body FROM object WHERE {' AND '.join(clauses)}"  # noqa: S608
            found = self.rows.execute(f"{sql} ORDER BY seq DESC", values).fetchall()
        return [json.loads(row["body"]) for row in found]

    def count(self) -> int:
        """How many objects there ever were: seeded ids go on, they do not repeat."""
        with self.lock:
            row = self.rows.execute("SELECT max(seq) AS top FROM object").fetchone()
        return row["top"] or 0
