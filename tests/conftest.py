"""Fixtures shared by all tests. Without the extra `models`, tests that ask for it are skipped, and no others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from specsight.errors import MissingExtra

# Each test process gets one thread: several of them share the processors, and waiting threads would spin.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A property is not about time, and a busy machine takes a second for what takes a millisecond.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")

SHARED = Path(__file__).resolve().parents[2] / "shared"
MODELS = ("torch", "transformers")
BROWSER = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real pictures and a real encoder beside the project; skips where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("real pictures and encoder ('shared' beside the project) are not on this machine")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where graphs of encoders are kept by tests: made once in each process, and nowhere in the user's folders."""
    folder = tmp_path_factory.getbasetemp() / "runtimes"
    os.environ["SPECSIGHT_RUNTIMES"] = str(folder)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium without a window, whose console and requests are logged; skips where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra dev)")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no Chromium with chromedriver on this machine")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        *BROWSER,
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
        "--window-size=1280,1000",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """Skip where a fixture needs what is not installed."""
    return (yield from _skipping_missing_models())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Skip where the test itself needs what is not installed."""
    return (yield from _skipping_missing_models())


def _skipping_missing_models() -> Generator[None, object, object]:
    try:
        return (yield)
    except (MissingExtra, ModuleNotFoundError) as error:
        missing = [name for name in MODELS if find_spec(name) is None]
        if not missing or not any(name in str(error) for name in missing):
            raise
        pytest.skip(f"{missing[0]} is not installed: needs the extra 'models'")
