"""What outlets have not sent yet, on disk: one list of records, and for each outlet how far it has come.

A file of SQLite: what `add` returned from is there after a kill and a power cut. The list is bounded: an outlet that
stays behind by more than `places` records loses the oldest ones, which is counted.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from specsight.errors import SpecsightError

PLACES = 20_000
"""Records that an outlet may stay behind: at one a second some five hours, and some 100 MB."""
REMEMBERED = 1000
"""Records that were sent whose ids are remembered, so that one that is added again is not sent again."""
TABLES = """
CREATE TABLE IF NOT EXISTS record (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    number INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outlet (address TEXT PRIMARY KEY, seq INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0, lost INTEGER NOT NULL DEFAULT 0);
"""


@dataclass(frozen=True)
class Counts:
    """Records of one outlet since it was first given."""

    waiting: int
    sent: int
    refused: int
    """That the other side will never take."""
    lost: int
    """That waited when there was no place any more."""


class Spool:
    """The list in `file`. Safe for threads of one process; one process at a time may hold it.

    Raises SpecsightError, in every method, where the file cannot be read or written.
    """

    def __init__(self, file: Path, places: int = PLACES) -> None:
        self.file, self.places = file, places
        self._lock = threading.Lock()
        with self._told():
            self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(TABLES)

    def join(self, address: str) -> None:
        """Begin with what is added from now on, or go on where this outlet was."""
        with self._writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO outlet (address, seq) SELECT ?, coalesce(max(seq), 0) FROM record",
                (address,),
            )

    def add(self, id_: str, body: str, number: int = 0) -> None:
        """Add a record, once: with an id that is there already, nothing happens."""
        with self._writing() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO record (id, number, body) VALUES (?, ?, ?)", (id_, number, body)
            )
            if not added.rowcount:
                return
            oldest = int(added.lastrowid or 0) - self.places
            connection.execute(
                "UPDATE outlet SET lost = lost + (SELECT count(*) FROM record WHERE record.seq > outlet.seq "
                "AND record.seq <= ?1), seq = ?1 WHERE seq < ?1",
                (oldest,),
            )
            last = connection.execute("SELECT coalesce(min(seq), 0) FROM outlet").fetchone()[0]
            kept = int(added.lastrowid or 0) - REMEMBERED
            connection.execute("DELETE FROM record WHERE seq <= ?", (max(min(last, kept), oldest),))

    def last_number(self) -> int:
        """The largest number of a record that is remembered; 0: none has one."""
        with self._lock, self._told():
            found = self._connection.execute("SELECT coalesce(max(number), 0) FROM record").fetchone()
        return int(found[0])

    def waiting(self, address: str, most: int = 32) -> list[tuple[int, str]]:
        """The next records of an outlet, the oldest first: place in the list, and body."""
        with self._lock, self._told():
            found = self._connection.execute(
                "SELECT seq, body FROM record WHERE seq > (SELECT seq FROM outlet WHERE address = ?) "
                "ORDER BY seq LIMIT ?",
                (address, most),
            )
            return [(int(seq), str(body)) for seq, body in found]

    def finished(self, address: str, seq: int, sent: bool) -> None:
        """Note that an outlet is through with a record: it was sent, or refused."""
        column = "sent" if sent else "refused"
        with self._writing() as connection:
            connection.execute(
                f"UPDATE outlet SET seq = max(seq, ?), {column} = {column} + 1 WHERE address = ?",
                (seq, address),
            )

    def counts(self, address: str) -> Counts:
        """How many records of an outlet wait, were sent, refused and lost."""
        with self._lock, self._told():
            found = self._connection.execute(
                "SELECT (SELECT count(*) FROM record WHERE record.seq > outlet.seq), sent, refused, lost "
                "FROM outlet WHERE address = ?",
                (address,),
            ).fetchone()
        return Counts(*found) if found else Counts(0, 0, 0, 0)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise SpecsightError(f"what waits for outlets, '{self.file}', cannot be kept: {error}") from error
