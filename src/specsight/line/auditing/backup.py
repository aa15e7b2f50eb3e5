"""A line's database and its models → one sealed folder, while the line runs; and back.

SQLite is copied by its online backup, PostgreSQL by `pg_dump` and `pg_restore`. What is restored is verified.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from specsight.errors import SpecsightError
from specsight.line import schema
from specsight.line.auditing.checking import Checked, lines_of, verify
from specsight.line.store import LineStore
from specsight.storage import copy_file, parse_json, read_text, verify_folder, whole_folder, write_json
from specsight.storage.database import connect, now, reading

DATABASE, DUMP, MODELS, ABOUT = "line.db", "line.dump", "models", "backup.json"
ANEW = "make the backup anew"


def backup(store: LineStore, models: Path | None, out: Path) -> Path:
    """Write a backup into the folder `out`, which must be new: the database as it is at one moment, then the models
    with all versions. A version never changes, so that those the database knows are among them.

    Raises SpecsightError where something cannot be read or written.
    """
    if models is not None and not models.is_dir():
        raise SpecsightError(f"there is no folder '{models}': give the one that 'specsight serve' was given")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise SpecsightError(f"'{out}' is there already, and a backup replaces nothing: choose a new folder")
    with whole_folder(out) as folder:
        if store.engine.dialect.name == "sqlite":
            _copy(Path(str(store.engine.url.database)), folder / DATABASE)
        else:
            _postgresql(
                "pg_dump", store.engine.url, "--format=custom", "--no-owner", f"--file={folder / DUMP}"
            )
        if models is not None:
            _copy_models(models, folder / MODELS)
        heads = {line: _head(store, line) for line in lines_of(store)}
        write_json(
            folder / ABOUT, {"made": now().isoformat(), "database": store.engine.dialect.name, "heads": heads}
        )
    return out


def restore(source: Path, url: str, models: Path | None) -> list[Checked]:
    """Bring a backup back into a new SQLite file or an empty PostgreSQL database at `url`, and its models into the new
    folder `models`; returns what `verify` finds of each line.

    Raises SpecsightError where the backup is damaged or incomplete, and where something lies there already.
    """
    if not (source / ABOUT).is_file():
        raise SpecsightError(
            f"'{source}' is no backup of a line: give a folder that 'specsight line backup' wrote"
        )
    verify_folder(source, ANEW)
    about = parse_json(read_text(source / ABOUT))
    address = sa.make_url(url)
    if address.get_backend_name() != about["database"]:
        raise SpecsightError(f"'{source}' holds a database of {about['database']}: name such a one with --db")
    if models is not None and models.exists():
        raise SpecsightError(f"'{models}' is there already: restore models to a new folder")
    if (source / DATABASE).is_file():
        target = Path(str(address.database))
        if target.exists():
            raise SpecsightError(f"'{target}' is there already: move it away, with its -wal and -shm")
        copy_file(source / DATABASE, target)
    else:
        _check_empty(address)
        _postgresql("pg_restore", address, "--no-owner", "--exit-on-error", str(source / DUMP))
    if models is not None and (source / MODELS).is_dir():
        shutil.copytree(source / MODELS, models)
    store = LineStore.open(url)
    try:
        return [verify(store, line) for line in lines_of(store)]
    finally:
        store.close()


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other, pages=1024)
        other.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal beside it


def _copy_models(source: Path, target: Path) -> None:
    for file in sorted(source.rglob("*")):
        name = file.relative_to(source)
        temporary = any(p.startswith(".") and p != ".versions" for p in name.parts)
        if file.is_file() and not file.is_symlink() and not temporary:
            copy_file(file, target / name)


def _head(store: LineStore, line: str) -> str:
    table = schema.audit.c
    with reading(store.engine) as connection:
        query = sa.select(table.digest).where(table.line == line).order_by(table.number.desc()).limit(1)
        return connection.execute(query).scalar() or ""


def _check_empty(address: sa.URL) -> None:
    engine = connect(address.render_as_string(hide_password=False))
    try:
        with engine.connect() as connection:
            if sa.inspect(connection).get_table_names():
                raise SpecsightError(
                    f"'{address.database}' is not empty: restore to a new database (createdb)"
                )
    except sa.exc.OperationalError as error:
        raise SpecsightError(f"'{address.database}' cannot be reached: {str(error.orig).strip()}") from error
    finally:
        engine.dispose()


def _postgresql(program: str, address: sa.URL, *words: str) -> None:
    """Run a program of PostgreSQL on a database; the password is in its environment, where no list of processes shows
    it."""
    found = shutil.which(program)
    if found is None:
        raise SpecsightError(
            f"'{program}' is not installed (Debian: postgresql-client): backups of PostgreSQL take it"
        )
    environment = {**os.environ, **({"PGPASSWORD": str(address.password)} if address.password else {})}
    plain = sa.URL.create(
        "postgresql", address.username, None, address.host, address.port, address.database, address.query
    )
    command: Sequence[str] = [found, f"--dbname={plain.render_as_string(hide_password=False)}", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise SpecsightError(f"{program}: {lines[0]}")
