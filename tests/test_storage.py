"""What reaches the disk is whole, inside its folder, and written by one process."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from specsight import storage
from specsight.errors import SpecsightError


def test_a_failed_write_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    storage.write_json(path, {"n": 1})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SpecsightError, match=r"cannot write '.*a\.json': No space left on device"):
        storage.write_json(path, {"n": 2})
    assert json.loads(path.read_text()) == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_json_never_holds_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        storage.write_json(tmp_path / "a.json", float("nan"))


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x"])
def test_paths_stay_inside_their_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(SpecsightError, match="leads outside"):
        storage.confined(tmp_path, path)


def test_a_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    with pytest.raises(SpecsightError, match="leads outside"):
        storage.confined(tmp_path / "in", "link/secret")
    assert storage.confined(tmp_path / "in", "a/b.png") == (tmp_path / "in" / "a" / "b.png").resolve()


def test_a_sealed_folder_notices_one_flipped_bit_and_a_missing_file(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with storage.whole_folder(folder) as temporary:
        (temporary / "weights.bin").write_bytes(bytes(range(256)))
        (temporary / "b.txt").write_text("b")
    storage.verify_folder(folder)
    data = bytearray((folder / "weights.bin").read_bytes())
    data[100] ^= 1
    (folder / "weights.bin").write_bytes(data)
    with pytest.raises(SpecsightError, match=r"weights\.bin' is damaged \(its checksum differs\)"):
        storage.verify_folder(folder)
    (folder / "b.txt").unlink()
    with pytest.raises(SpecsightError, match=r"'b\.txt' is missing"):
        storage.verify_folder(folder)


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "model"

    def write(content: str, fail: bool) -> None:
        with storage.whole_folder(folder, replace=True) as temporary:
            (temporary / "a.txt").write_text(content)
            if fail:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write("half", fail=True)
    assert list(tmp_path.iterdir()) == []
    write("old", fail=False)
    with pytest.raises(KeyboardInterrupt):
        write("half", fail=True)
    assert (folder / "a.txt").read_text() == "old"
    write("new", fail=False)
    assert (folder / "a.txt").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_folder_with_other_things_in_it_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.png").write_text("x")
    with pytest.raises(SpecsightError, match="not a saved model"), storage.whole_folder(tmp_path / "photos"):
        pass
    assert (tmp_path / "photos" / "mine.png").exists()


HOLD = """
import sys, time
from pathlib import Path
from specsight.storage import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(SpecsightError, match="in use by another process"), storage.only_writer(tmp_path):
            pass
        first.kill()
    for _ in range(50):
        try:
            with storage.only_writer(tmp_path):
                return
        except SpecsightError:
            time.sleep(0.1)
    pytest.fail("the lock outlived its killed holder")


def test_a_lock_leaves_no_file_and_an_empty_folder_goes_again(tmp_path: Path) -> None:
    with storage.only_writer(tmp_path / "run"):
        assert [p.name for p in (tmp_path / "run").iterdir()] == [".lock"]
    assert list(tmp_path.iterdir()) == []
    with storage.only_writer(tmp_path / "run"):
        storage.write_text(tmp_path / "run" / "a.txt", "a")
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["a.txt"]


REPLACE = """
import os, signal, sys
from pathlib import Path
from specsight import storage
folder, when, after = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "after"
renames, done = Path.replace, 0
def counted(self, target):
    global done
    # Files of the new folder are renamed too; those of the folder itself are what counts here.
    if self.parent != folder.parent:
        return renames(self, target)
    done += 1
    if done == when and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    made = renames(self, target)
    if done == when and after:
        os.kill(os.getpid(), signal.SIGKILL)
    return made
Path.replace = counted
with storage.whole_folder(folder, replace=True) as temporary:
    (temporary / "a.txt").write_text("new")
"""


@pytest.mark.parametrize("asked", ["load", "save"])
@pytest.mark.parametrize(("when", "after"), [(1, False), (1, True), (2, False), (2, True)])
def test_a_process_killed_at_any_rename_leaves_a_whole_folder(
    tmp_path: Path, when: int, after: bool, asked: str
) -> None:
    folder = tmp_path / "model"
    with storage.whole_folder(folder) as temporary:
        (temporary / "a.txt").write_text("old")
    command = [sys.executable, "-c", REPLACE, str(folder), str(when), "after" if after else "before"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    if asked == "load":
        storage.recover(folder)
        storage.verify_folder(folder)
        assert (folder / "a.txt").read_text() == ("new" if (when, after) == (2, True) else "old")
    with storage.whole_folder(folder, replace=True) as temporary:
        (temporary / "a.txt").write_text("newest")
    assert (folder / "a.txt").read_text() == "newest"
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


LEAVE = """
import sys, tempfile, time
from pathlib import Path
from specsight.storage.leftovers import temporary_prefix
folder = Path(tempfile.mkdtemp(dir=sys.argv[1], prefix=temporary_prefix()))
(folder / "half").write_text("half")
(Path(sys.argv[1]) / "maps").mkdir(exist_ok=True)
tempfile.mkstemp(dir=Path(sys.argv[1]) / "maps", prefix=temporary_prefix())
print(flush=True)
time.sleep(60)
"""


def test_only_what_ended_processes_left_is_cleared_away(tmp_path: Path) -> None:
    def left() -> int:
        return sum(p.name.startswith(".tmp-") for p in tmp_path.rglob("*"))

    command = [sys.executable, "-c", LEAVE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        (tmp_path / ".tmp-of-somebody").touch()
        with storage.only_writer(tmp_path):
            assert left() == 3
        other.kill()
        other.wait()
    with storage.only_writer(tmp_path):
        assert left() == 1
    assert (tmp_path / ".tmp-of-somebody").exists()


def test_a_model_is_replaced_only_where_that_was_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with storage.whole_folder(folder) as temporary:
        (temporary / "a.txt").write_text("old")
    with pytest.raises(SpecsightError, match="add --replace"), storage.whole_folder(folder):
        pass
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(SpecsightError, match=r"notes\.txt"), storage.whole_folder(folder, replace=True):
        pass
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "a.txt").read_text() == "old"


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "model")
    with storage.whole_folder(tmp_path / "link") as temporary:
        (temporary / "a.txt").write_text("a")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "disk" / "model" / "a.txt").read_text() == "a"


@pytest.mark.parametrize(
    ("listing", "answer"),
    [
        ("{}", "lists no file"),
        ("[]", "damaged"),
        ('{"a.json": 5}', "damaged"),
        ("[" * 100_000, "damaged"),
        ('{"a.json": "0", "a\\u0000b": "0"}', "zero byte"),
    ],
)
def test_a_checksum_list_that_verifies_nothing_is_refused(tmp_path: Path, listing: str, answer: str) -> None:
    (tmp_path / storage.CHECKSUMS).write_text(listing)
    (tmp_path / "a.json").write_text("{}")
    if "zero" in answer:
        listing = json.dumps({"a.json": storage.sha256(tmp_path / "a.json"), "a\0b": "0"})
        (tmp_path / storage.CHECKSUMS).write_text(listing)
    with pytest.raises(SpecsightError, match=answer):
        storage.verify_folder(tmp_path)


def test_a_file_that_is_on_no_list_is_refused(tmp_path: Path) -> None:
    with storage.whole_folder(tmp_path / "model") as temporary:
        (temporary / "a.json").write_text("{}")
    (tmp_path / "model" / "calibration.json").write_text("{}")
    with pytest.raises(SpecsightError, match=r"calibration\.json' is on no checksum list"):
        storage.verify_folder(tmp_path / "model")


@pytest.mark.parametrize(
    ("out", "answer"),
    [
        ("file", "is a file"),
        ("file/below", "lies below a file"),
        ("x" * 300, "File name too long"),
        ("loop/x", "cannot write"),
        ("/proc/x", "cannot write '/proc/x'"),
        ("/dev/full", "is a file"),
        ("model/out", "lies inside the saved model"),
    ],
)
def test_an_output_that_cannot_be_is_found_before_the_work(tmp_path: Path, out: str, answer: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    with storage.whole_folder(tmp_path / "model") as temporary:
        (temporary / "a.json").write_text("{}")
    before = sorted(p.name for p in tmp_path.rglob("*"))
    for check in (storage.check_output, storage.check_model_output):
        with pytest.raises(SpecsightError, match=answer):
            check(tmp_path / out)
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def test_a_model_does_not_take_the_place_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for out in (".", "..", "/"):
        with pytest.raises(SpecsightError, match="the current folder or one above it"):
            storage.check_model_output(Path(out))
    storage.check_output(Path())
    storage.check_model_output(Path("a/b"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["", "a\0b"])
def test_empty_text_is_no_path(given: str) -> None:
    with pytest.raises(SpecsightError, match=r"the folder '.*' is no path"):
        storage.given_path(given, "the folder")


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 500 + "]" * 500, '{"a":' * 70 + "1" + "}" * 70])
def test_json_that_is_too_deep_is_no_json(text: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        storage.parse_json(text)
    assert storage.parse_json("[" * 20 + "]" * 20) is not None


def test_json_with_a_name_twice_is_refused_instead_of_losing_a_value() -> None:
    with pytest.raises(ValueError, match="'b' stands twice"):
        storage.parse_json('[{"a": 1, "b": 2, "c": 3, "b": 4}]')
    assert storage.parse_json('[{"a": 1}, {"a": {"a": 2}}]') == [{"a": 1}, {"a": {"a": 2}}]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("a: " + "[" * 5000, "nested too deeply"),
        ("{a: " * 3000, "nested too deeply"),
        ("\n".join(" " * depth + "a:" for depth in range(2000)), "nested too deeply"),
        ("a: &x [" + "b," * 1000 + "]\n" + "".join(f"k{i}: *x\n" for i in range(1000)), "more than 50,000"),
        ("".join(f"k{i}: {i}\n" for i in range(50_000)), "more than 50,000"),
        ("a: &x [*x, *x]", "inside itself"),
    ],
)
def test_yaml_that_is_too_much_is_refused(text: str, answer: str) -> None:
    with pytest.raises(ValueError, match=answer):
        storage.parse_yaml(text)
    assert storage.parse_yaml("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


def test_cells_that_a_spreadsheet_would_run_are_text(tmp_path: Path) -> None:
    rows: list[list[object]] = [["=1+1", -0.5, None], ["@x", "+1", "a,b"], ["-cmd", "\tx", "plain"]]
    storage.write_csv(tmp_path / "a.csv", ["type", "value", "note"], rows)
    assert (tmp_path / "a.csv").read_text() == (
        "type,value,note\n'=1+1,-0.5,\n'@x,'+1,\"a,b\"\n'-cmd,'\tx,plain\n"
    )
    storage.write_csv(tmp_path / "b.csv", ["name"], [("caf\udce9",)])
    assert (tmp_path / "b.csv").read_text() == "name\ncaf\\udce9\n"


def _save(folder: Path, text: str) -> None:
    with storage.whole_folder(folder, replace=True) as temporary:
        storage.write_text(temporary / "a.txt", text)
        storage.write_text(temporary / "b.txt", text)


def test_what_is_read_while_another_process_saves_comes_from_one_saving(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    _save(folder, "old")
    calls: list[str] = []

    def read() -> tuple[str, str]:
        first = (folder / "a.txt").read_text()
        if not calls:
            _save(folder, "new")
        calls.append(first)
        return first, (folder / "b.txt").read_text()

    content, seal = storage.read_folder(folder, read)
    assert (content, calls) == (("new", "new"), ["old", "new"])
    with storage.revised_folder(folder, seal) as temporary:
        storage.write_text(temporary / "b.txt", "newer")
    assert (folder / "b.txt").read_text() == "newer"
    # What was read before is no longer what a change could rest on, even where a saving wrote the same again.
    for text in ("other", "new"):
        _save(folder, text)
        with (
            pytest.raises(SpecsightError, match="changed by another process meanwhile"),
            storage.revised_folder(folder, seal),
        ):
            pass
        assert (folder / "b.txt").read_text() == text


def test_an_error_while_another_process_saves_is_not_the_folders(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    _save(folder, "old")

    def fail_once() -> str:
        if (folder / "a.txt").read_text() == "old":
            _save(folder, "new")
            raise SpecsightError("damaged")
        return "read"

    assert storage.read_folder(folder, fail_once)[0] == "read"

    def damaged() -> str:
        raise SpecsightError("damaged")

    with pytest.raises(SpecsightError, match="damaged"):
        storage.read_folder(folder, damaged)
    with pytest.raises(SpecsightError, match="being replaced by another process"):
        storage.read_folder(folder, lambda: _save(folder, "again"))


def test_no_file_takes_the_place_of_a_pipe_or_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    (tmp_path / "a.txt").write_text("a")
    for path in (pipe, tmp_path / "link"):
        with pytest.raises(SpecsightError, match="is a pipe or a device"):
            storage.write_text(path, "text")
        with pytest.raises(SpecsightError, match="is a pipe or a device"):
            storage.copy_file(tmp_path / "a.txt", path)
    assert pipe.is_fifo()
    assert (tmp_path / "link").is_symlink()


def test_json_keeps_names_that_are_no_unicode(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.png")
    storage.write_json(tmp_path / "a.json", {name: [name, "\u00fc"]})
    assert storage.parse_json(storage.read_text(tmp_path / "a.json")) == {name: [name, "\u00fc"]}
    assert "\u00fc" in (tmp_path / "a.json").read_text("utf-8")
