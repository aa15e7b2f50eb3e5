"""Whose data a run is about: a layout is no licence."""

from __future__ import annotations

import pytest

from specsight.runs.licences import OWN, licence_of


@pytest.mark.parametrize(
    ("layout", "products", "licence"),
    [
        ("mvtec_ad", {"bottle"}, "CC BY-NC-SA 4.0 (MVTec AD; Bergmann et al., CVPR 2019)"),
        ("mvtec_ad", {"our cap"}, OWN),
        ("mvtec_ad", {"bottle", "our cap"}, OWN),
        ("mvtec_3d", {"bottle"}, OWN),
        (
            "mvtec_loco",
            {"pushpins", "screw_bag"},
            "CC BY-NC-SA 4.0 (MVTec LOCO AD; Bergmann et al., IJCV 2022)",
        ),
        ("deep_pcb", {"group00041"}, "MIT (DeepPCB; Tang et al., 2019)"),
        ("deep_pcb", {"group1"}, OWN),
        ("folder", {"bottle"}, None),
    ],
)
def test_a_licence_is_claimed_for_the_products_of_a_public_set_alone(
    layout: str, products: set[str], licence: str | None
) -> None:
    assert licence_of(layout, products) == licence
