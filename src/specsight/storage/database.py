"""Databases that several threads and processes write at once, their connections all set up the same way: SQLite files,
and whatever else SQLAlchemy knows by its URL.

SQLAlchemy opens them: it is the maintained library that pools connections by thread and binds every value of a
statement.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specsight.errors import SpecsightError, one_line, require
from specsight.storage.reading import check_regular

if TYPE_CHECKING:
    import sqlalchemy

BUSY = 30_000
"""Milliseconds that a writer waits for another one."""
SYNCHRONOUS = "FULL"
"""What was committed survives a power cut (SQLite's `synchronous`)."""
SIGNATURE = b"SQLite format 3\x00"
SQLITE = "sqlite"


class Unavailable(SpecsightError):
    """A database that cannot be reached, or refuses to write just now: nothing was written, and one may try again."""


def storable(text: str) -> bool:
    """Whether every database takes a text: PostgreSQL has no place for a zero byte, and none has one for half of a
    surrogate pair."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text))


def now() -> datetime:
    """The time of a record, in UTC: what stores write when they are given no other clock."""
    return datetime.now(timezone.utc)


def database(path: Path) -> sqlalchemy.Engine:
    """An engine on the SQLite file `path`, made where it is absent; readers never wait for a writer (WAL).

    Transactions of `writing` take the write lock as they begin, so that what they read stays true until they write.
    Raises SpecsightError where SQLAlchemy is missing, or the file is another one or cannot be opened.
    """
    require("sqlalchemy", "serve")
    import sqlalchemy
    from sqlalchemy import event

    check_regular(path)
    try:
        if path.exists():
            with path.open("rb") as file:
                if file.read(len(SIGNATURE)) not in (SIGNATURE, b""):
                    raise SpecsightError(f"'{path}' is no SQLite file: move it away")
    except OSError as error:
        raise SpecsightError(f"cannot read '{path}': {error.strerror or error}") from error
    address = sqlalchemy.URL.create(SQLITE, database=str(path))
    engine = sqlalchemy.create_engine(address, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = (
            None  # "begin" below says how; the driver would begin late and share locks
        )
        for pragma in (
            f"busy_timeout={BUSY}",
            "journal_mode=WAL",
            f"synchronous={SYNCHRONOUS}",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def connect(url: str) -> sqlalchemy.Engine:
    """An engine on the database at `url`: "sqlite:///line.db", or "postgresql+psycopg://user@host/name" and the like.

    Connections that broke while nobody used them are made anew. Raises SpecsightError for an address that is none,
    whose driver is missing, and for files as `database` does. A password is never part of a message.
    """
    require("sqlalchemy", "serve")
    import sqlalchemy as sa

    try:
        address = sa.make_url(url)
        if address.get_backend_name() == SQLITE:
            if not address.database or address.database == ":memory:":
                raise SpecsightError(
                    "a database in memory is lost with the process: name a file, sqlite:///line.db"
                )
            return database(Path(address.database))
        if address.get_backend_name() == "postgresql" and "psycopg" not in address.drivername:
            address = address.set(drivername="postgresql+psycopg")
        return sa.create_engine(address, pool_pre_ping=True, connect_args=_patience(address.drivername))
    except sa.exc.NoSuchModuleError as error:
        raise SpecsightError(
            f"no database is of the kind '{url.partition(':')[0]}': use sqlite or postgresql"
        ) from error
    except sa.exc.ArgumentError as error:
        raise SpecsightError(
            "the address of the database is none: write sqlite:///line.db or postgresql://host/name"
        ) from error
    except ModuleNotFoundError as error:
        raise SpecsightError(f"{error.name} is not installed: pip install 'specsight[postgresql]'") from error


def _patience(driver: str) -> dict[str, Any]:
    """A server that is gone says so in seconds, and not after minutes."""
    if not driver.startswith("postgresql"):
        return {}
    return {"connect_timeout": 5, "options": f"-c lock_timeout={BUSY}", "tcp_user_timeout": 10_000}


@contextlib.contextmanager
def reading(engine: sqlalchemy.Engine) -> Iterator[sqlalchemy.Connection]:
    """A transaction that sees one state of the file. Raises SpecsightError where the file cannot be read."""
    with _told(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def writing(engine: sqlalchemy.Engine) -> Iterator[sqlalchemy.Connection]:
    """A transaction that writes: committed as a whole, or, after an exception, not at all.

    Raises SpecsightError where the file is damaged, full, read-only, or held by another writer for too long.
    """
    with _told(engine), engine.connect().execution_options(writing=True) as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def session(engine: sqlalchemy.Engine) -> Iterator[sqlalchemy.Connection]:
    """A connection whose statements are each a transaction of their own. Raises SpecsightError as `writing` does."""
    with _told(engine), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


@contextlib.contextmanager
def _told(engine: sqlalchemy.Engine) -> Iterator[None]:
    from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as NoConnection

    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise Unavailable(f"'{engine.url.database}': {_line(error.orig)}") from error
    except UnicodeEncodeError as error:  # half of a surrogate pair: an argument that is no UTF-8
        raise SpecsightError(f"'{one_line(error.object)[:200]}' is no text: give it in UTF-8") from error
    except NoConnection as error:
        raise Unavailable(f"'{engine.url.database}': all connections are in use") from error
    except DatabaseError as error:
        if error.connection_invalidated:
            raise Unavailable(f"'{engine.url.database}': the connection was lost") from error
        raise SpecsightError(f"'{engine.url.database}': {_line(error.orig)}") from error


def _line(error: object) -> str:
    return " ".join(str(error).split())
