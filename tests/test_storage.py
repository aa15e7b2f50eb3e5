"""What reaches the disk is whole, inside its folder, and written by one process."""

from __future__ import annotations

import errno
import json
import os
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
        with storage.whole_folder(folder) as temporary:
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
