"""Where files are kept that can be made or fetched again."""

from __future__ import annotations

import os
from pathlib import Path

from specsight.errors import require

CACHE = "SPECSIGHT_CACHE"
"""Variable of the environment that names the folder."""


def cache_folder(extra: str) -> Path:
    """The folder that SPECSIGHT_CACHE names, else one in the user's cache. Raises MissingExtra, which names `extra`,
    where platformdirs is not installed."""
    given = os.environ.get(CACHE)
    if given:
        return Path(given).expanduser()
    return Path(require("platformdirs", extra).user_cache_path("specsight"))
