"""Addresses of object storage in the place of paths: a store in memory, and a real S3 server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.factory import FITTED, photograph, refused, specsight

from specsight.errors import SpecsightError
from specsight.storage import CHECKSUMS
from specsight.storage.addresses import SEAL, Address, address_of, mirrored, uploading
from specsight.storage.cache import CACHE

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra cloud)")
if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))


@pytest.fixture
def memory() -> Iterator[AbstractFileSystem]:
    store = fsspec.filesystem("memory")
    yield store
    store.store.clear()
    store.pseudo_dirs[:] = [""]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("line")
    photograph(folder / "good", 10)
    photograph(folder / "new", 5, 100, (101,))
    specsight("fit", "--good", folder / "good", "-o", folder / "model", *FITTED)
    return folder


def test_what_is_an_address_and_what_a_path() -> None:
    for path in ("pictures", "/data/in", "C:\\pictures", "a:b", "s3:/bucket/in"):
        assert address_of(path) is None
    assert address_of("s3://bucket/in/") == Address("s3://bucket/in")
    assert str(Address("s3://key:secret@bucket/in")) == "s3://bucket/in"
    with pytest.raises(SpecsightError, match="names no folder or file"):
        address_of("s3://")


def test_a_mirror_follows_what_lies_at_the_address(memory: AbstractFileSystem) -> None:
    address = Address("memory://plant/in")
    with pytest.raises(SpecsightError, match=r"^'memory://plant/in' holds no files: check the address$"):
        mirrored(address)
    memory.pipe({"/plant/in/a.png": b"a", "/plant/in/deep/b.png": b"b", "/plant/in2/c.png": b"c"})
    folder = mirrored(address)
    assert {one.relative_to(folder).as_posix() for one in folder.rglob("*.png")} == {"a.png", "deep/b.png"}
    first = (folder / "a.png").stat().st_mtime_ns
    memory.pipe("/plant/in/deep/b.png", b"changed")
    memory.pipe("/plant/in/c.png", b"new")
    assert mirrored(address) == folder
    assert (folder / "deep" / "b.png").read_bytes() == b"changed"
    assert (folder / "a.png").stat().st_mtime_ns == first, "it was not fetched again"
    memory.rm_file("/plant/in/a.png")
    mirrored(address)
    assert sorted(one.name for one in folder.rglob("*.png")) == ["b.png", "c.png"]


def test_of_a_picture_the_file_is_mirrored_and_of_a_manifest_what_lies_beside_it(
    memory: AbstractFileSystem,
) -> None:
    memory.pipe({"/plant/a.png": b"a", "/plant/manifest.jsonl": b"{}"})
    picture = mirrored(Address("memory://plant/a.png"))
    assert picture.read_bytes() == b"a"
    assert [one.name for one in picture.parent.iterdir()] == ["a.png"]
    manifest = mirrored(Address("memory://plant/manifest.jsonl"))
    assert (manifest.parent / "a.png").read_bytes() == b"a"


def test_a_name_that_leads_out_of_the_mirror_is_refused(memory: AbstractFileSystem, tmp_path: Path) -> None:
    memory.store["/plant/in/../../../../out.png"] = memory.store.get(
        "x"
    ) or fsspec.implementations.memory.MemoryFile(memory, "/plant/in/../../../../out.png", b"x")
    with pytest.raises(SpecsightError, match="leads outside"):
        mirrored(Address("memory://plant/in"))
    assert not list(tmp_path.rglob("out.png"))


def test_an_upload_is_whole_or_says_that_it_is_not(
    memory: AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = Address("memory://plant/out")
    with pytest.raises(KeyError):
        _upload(address, "half", KeyError())
    assert not memory.exists("/plant/out")
    with monkeypatch.context() as broken:
        broken.setattr(type(memory), "put_file", _no_connection)
        with pytest.raises(SpecsightError, match=r"cannot write 'memory://plant/out': no connection"):
            _upload(address, "more")
    with pytest.raises(SpecsightError, match="was not finished: run the command that made it again"):
        mirrored(address)
    with uploading(address) as folder:
        assert not (folder / SEAL).exists()
        assert (folder / "a.txt").read_text() == "half more ", "it goes on where it was"
        (folder / "a.txt").write_text("whole")
        (folder / "b.txt").write_text("b")
    assert sorted(one.name for one in mirrored(address).iterdir()) == ["a.txt", "b.txt"]
    with uploading(address) as folder:
        (folder / "b.txt").unlink()
    assert sorted(memory.ls("/plant/out", detail=False)) == ["/plant/out/a.txt", f"/plant/out/{SEAL}"]
    memory.pipe("/plant/out/a.txt", b"another")
    with pytest.raises(SpecsightError, match=r"'a.txt' at .* is not the file that was uploaded"):
        mirrored(address)


def _upload(address: Address, words: str, error: Exception | None = None) -> None:
    with uploading(address) as folder, (folder / "a.txt").open("a") as file:
        file.write(f"{words} ")
        if error:
            raise error


def _no_connection(*given: object, **named: object) -> None:
    raise ConnectionError("no connection")


def test_a_run_goes_on_from_what_another_machine_uploaded(
    memory: AbstractFileSystem, line: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.put(str(line / "new"), "/plant/in", recursive=True)
    memory.put(str(line / "model"), "/plant/model", recursive=True)
    run = ("inspect", "memory://plant/model", "memory://plant/in", "-o", "memory://plant/out")
    said = specsight(*run)
    assert "5 judged" in said
    assert said.endswith("uploaded: memory://plant/out\n")
    before = memory.cat_file("/plant/out/predictions.jsonl")
    assert len(json.loads(memory.cat_file(f"/plant/out/{SEAL}"))["files"]) > 10
    photograph(tmp_path / "more", 1, 200)
    memory.put_file(str(tmp_path / "more" / "200.png"), "/plant/in/200.png")
    specsight(*run)
    after = memory.cat_file("/plant/out/predictions.jsonl")
    assert after.startswith(before)
    assert len(after.splitlines()) == 6


def test_an_address_with_other_content_is_not_written_to(memory: AbstractFileSystem, line: Path) -> None:
    memory.pipe("/plant/out/letter.txt", b"dear")
    said = refused("inspect", line / "model", line / "new", "-o", "memory://plant/out")
    assert said == "'memory://plant/out' holds something else than an upload: choose another --out"
    assert memory.ls("/plant/out", detail=False) == ["/plant/out/letter.txt"]


def test_mistakes_are_one_line(line: Path) -> None:
    assert "Protocol not known: nothing" in refused(
        "inspect", line / "model", "nothing://plant/in", "-o", line / "out"
    )


@pytest.mark.long
def test_pictures_model_and_run_lie_on_an_s3_server(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[server]'")
    pytest.importorskip("s3fs", reason="s3fs is not installed (extra cloud)")
    running = server.ThreadedMotoServer(port=0)
    running.start()
    try:
        host, port = running.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        store = fsspec.filesystem("s3", skip_instance_cache=True)
        store.mkdir("plant")
        store.put(f"{line / 'new'}/", "plant/in/", recursive=True)
        store.put(f"{line / 'model'}/", "plant/model/", recursive=True)
        run = ("inspect", "s3://plant/model", "s3://plant/in", "-o", "s3://plant/out")
        assert "5 judged" in specsight(*run)
        assert (mirrored(Address("s3://plant/model")) / CHECKSUMS).is_file()
        folder = mirrored(Address("s3://plant/out"))
        assert len((folder / "predictions.jsonl").read_bytes().splitlines()) == 5
        assert "5 judged" in specsight(*run)
        assert refused("inspect", "s3://plant/none", "s3://plant/in", "-o", line / "x").endswith(
            "holds no files: check the address"
        )
        assert "s3://absent/model" in refused("inspect", "s3://absent/model", line / "new", "-o", line / "x")
    finally:
        running.stop()
