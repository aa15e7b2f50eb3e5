"""Addresses of object storage (`s3://bucket/folder`, whatever fsspec knows) in the place of paths.

In: an address. Out: a folder or file of this machine with what lies there. Everything else works on files as ever:
inputs are mirrored, and fetched again where they have changed; outputs are written here, and uploaded when they are
whole. Of an upload, `upload.json` says what belongs to it, and whether it was finished.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError, require
from specsight.storage.cache import cache_folder
from specsight.storage.files import confined, sha256, write_by, write_json
from specsight.storage.leftovers import PREFIX
from specsight.storage.locks import FOREVER, LOCK, locked
from specsight.storage.reading import parse_json, read_text

EXTRA = "cloud"
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
SEAL = "upload.json"
"""Name, in an upload, of what says what belongs to it."""
LONGEST_SEAL = 64 * 2**20
"""Bytes."""
MANIFESTS = (".jsonl", ".json", ".csv")
"""Endings of files that name others beside them."""
AT_ONCE = 8
"""Transfers under way at once."""
IDENTITY = (
    "ETag",
    "etag",
    "md5Hash",
    "content_md5",
    "LastModified",
    "last_modified",
    "mtime",
    "created",
    "size",
)
"""What stores say of a file that tells one version from another."""


@dataclass(frozen=True)
class Address:
    """Where something lies in object storage."""

    url: str

    @property
    def name(self) -> str:
        """What stands behind the last slash."""
        return self.url.rstrip("/").rpartition("/")[2]

    def __str__(self) -> str:
        """Without a password that stands in it."""
        return re.sub(r"://[^/@]*@", "://", self.url)


def address_of(text: str) -> Address | None:
    """The address that `text` is, or None for a path. Raises SpecsightError for one that names nothing."""
    if not SCHEME.match(text):
        return None
    address = Address(text.rstrip("/"))
    if not address.name or address.name in (".", "..") or address.url.endswith(":"):
        raise SpecsightError(f"'{address}' names no folder or file: write such as s3://bucket/folder")
    return address


def mirrored(address: Address) -> Path:
    """A folder or file of this machine with what lies at the address now; only what has changed is fetched.

    Of a manifest, its folder is mirrored. Raises SpecsightError where nothing lies there, where it cannot be read, for
    names that lead out of the folder, and for an upload that was not finished or is damaged.
    """
    with _told(address, "read"):
        fs, root = _opened(address)
        fs.invalidate_cache()
        is_file = fs.isfile(root)
        if is_file and address.name.lower().endswith(MANIFESTS):
            folder = Address(address.url.rpartition("/")[0])
            return _mirrored_folder(folder, fs, root.rpartition("/")[0]) / address.name
        if is_file:
            store = _store("mirrors", address)
            _fetch(fs, {address.name: fs.info(root)}, store / "files", store)
            return store / "files" / address.name
        return _mirrored_folder(address, fs, root)


@contextlib.contextmanager
def uploading(address: Address) -> Iterator[Path]:
    """A folder of this machine that is uploaded to the address when the context ends well.

    It holds what a finished upload left there; where the last attempt from here did not end well, what that had got to.
    Raises SpecsightError where the address holds anything else, and where it cannot be read or written.
    """
    store = _store("outputs", address)
    folder, seen = store / address.name, store / "seen.json"
    with locked(store / LOCK, 0) as held:
        if not held:
            raise SpecsightError(f"'{address}' is being written by another process here: wait for it")
        with _told(address, "read"):
            fs, root = _opened(address)
            fs.invalidate_cache()
            seal = _seal(fs, root)
            if seal is None and fs.exists(root) and fs.find(root):
                raise SpecsightError(f"'{address}' holds something else than an upload: choose another --out")
            if (
                seal
                and seal["complete"]
                and seal != (parse_json(read_text(seen)) if seen.is_file() else None)
            ):
                # Somebody else went on with it meanwhile.
                shutil.rmtree(folder, ignore_errors=True)
                _get(fs, {name: f"{root}/{name}" for name in seal["files"]}, folder)
                _check(folder, seal, address)
                write_json(seen, seal)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        with _told(address, "write"):
            write_json(seen, _upload(fs, root, folder, seal))


def _mirrored_folder(address: Address, fs: Any, root: str) -> Path:
    store = _store("mirrors", address)
    folder = store / address.name
    found = fs.find(root, detail=True)
    if not found:
        raise SpecsightError(f"'{address}' holds no files: check the address")
    infos = {name.removeprefix(root).lstrip("/"): info for name, info in found.items()}
    _fetch(fs, infos, folder, store)
    if SEAL in infos:
        seal = _seal(fs, root)
        if seal is None or not seal["complete"]:
            raise SpecsightError(
                f"the upload to '{address}' was not finished: run the command that made it again"
            )
        _check(folder, seal, address)
        # It belongs to the upload, not to what was uploaded: a saved model has no such file.
        (folder / SEAL).unlink(missing_ok=True)
    return folder


def _fetch(fs: Any, infos: Mapping[str, Mapping[str, Any]], folder: Path, store: Path) -> None:
    """Make `folder` hold the files of these names and no others; what is there already in this version stays."""
    index = store / "index.json"
    with locked(store / LOCK, FOREVER):
        before = parse_json(read_text(index)) if index.is_file() else {}
        now = {name: _identity(info) for name, info in infos.items()}
        for name in before:
            if name not in now:
                confined(folder, name).unlink(missing_ok=True)
        wanted = {
            name: info["name"]
            for name, info in infos.items()
            if before.get(name) != now[name] or not (confined(folder, name).is_file() or name == SEAL)
        }
        # What is fetched now is unknown until it is here.
        write_json(index, {name: one for name, one in before.items() if name in now and name not in wanted})
        _get(fs, wanted, folder)
        write_json(index, now)


def _get(fs: Any, wanted: Mapping[str, str], folder: Path) -> None:
    """Fetch files, each whole or not at all: name inside `folder` → name in the store."""

    def get(name: str) -> None:
        with fs.open(wanted[name], "rb") as source:
            write_by(confined(folder, name), lambda file: shutil.copyfileobj(source, file))

    for name in wanted:
        confined(folder, name)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(get, wanted))


def _upload(fs: Any, root: str, folder: Path, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Bring the folder to `root`; returns the seal, which is written last."""
    files = {
        file.relative_to(folder).as_posix(): sha256(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.startswith((PREFIX, LOCK)) and not file.is_symlink()
    }
    there = dict(before["files"]) if before and before["complete"] else {}
    old = list(before["files"]) if before else []
    _put_seal(
        fs, root, {"complete": False, "files": {**{name: there.get(name, "") for name in old}, **files}}
    )

    def put(name: str) -> None:
        if there.get(name) != files[name]:
            fs.put_file(str(folder / name), f"{root}/{name}")

    for parent in sorted({f"{root}/{name}".rpartition("/")[0] for name in files}):
        with contextlib.suppress(NotImplementedError):
            fs.makedirs(parent, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(put, files))
    for name in old:
        if name not in files and fs.exists(f"{root}/{name}"):
            fs.rm_file(f"{root}/{name}")
    seal = {"complete": True, "files": files}
    _put_seal(fs, root, seal)
    return seal


def _put_seal(fs: Any, root: str, seal: Mapping[str, Any]) -> None:
    fs.makedirs(root, exist_ok=True)
    fs.pipe_file(f"{root}/{SEAL}", json.dumps(seal, indent=1).encode())
    fs.invalidate_cache()


def _seal(fs: Any, root: str) -> dict[str, Any] | None:
    """What `SEAL` says, or None where there is none. Raises ValueError where it says nothing of the kind."""
    path = f"{root}/{SEAL}"
    if not fs.isfile(path):
        return None
    if int(fs.size(path) or 0) > LONGEST_SEAL:
        raise ValueError(f"{SEAL} is too long")
    seal = parse_json(fs.cat_file(path))
    if not (
        isinstance(seal, dict)
        and isinstance(seal.get("files"), dict)
        and isinstance(seal.get("complete"), bool)
    ):
        raise ValueError(f"{SEAL} is damaged")
    return seal


def _check(folder: Path, seal: Mapping[str, Any], address: Address) -> None:
    for name, digest in seal["files"].items():
        file = confined(folder, name)
        if not file.is_file() or sha256(file) != digest:
            raise SpecsightError(
                f"'{name}' at '{address}' is not the file that was uploaded: upload it again"
            )


def _identity(info: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={info[key]}" for key in IDENTITY if key in info)


def _store(kind: str, address: Address) -> Path:
    """A folder of the cache that is this address's own."""
    store = cache_folder(EXTRA) / kind / hashlib.sha256(address.url.encode()).hexdigest()[:16]
    store.mkdir(parents=True, exist_ok=True)
    return store


def _opened(address: Address) -> tuple[Any, str]:
    """The file system of an address, and the address's name in it."""
    fs, root = require("fsspec", EXTRA).core.url_to_fs(address.url)
    return fs, str(root).rstrip("/")


@contextlib.contextmanager
def _told(address: Address, what: str) -> Iterator[None]:
    """Whatever a store's client raises, as one line."""
    try:
        yield
    except SpecsightError:
        raise
    except FileNotFoundError as error:
        raise SpecsightError(f"nothing lies at '{address}': check the address") from error
    except ImportError as error:
        raise SpecsightError(f"cannot {what} '{address}': {error}") from error
    except Exception as error:  # each store has its own: no rights, no network, no such bucket
        words = " ".join(str(error).split())[:300] or type(error).__name__
        raise SpecsightError(f"cannot {what} '{address}': {words}") from error
