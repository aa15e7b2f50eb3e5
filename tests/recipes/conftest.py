"""What the tests of recipes learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from specsight.recipes.encoder.train import Sources


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """Photographs, a teacher and a sentence encoder of the smallest size."""
    from tests.support.small_encoder_recipe import make_sources

    return make_sources(tmp_path_factory.mktemp("sources"))
