"""Every scope has a threshold of its own, which keeps its promise on good parts that show the parts in scope."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight.calibration import Calibration, HeldOut, peaks_on_parts
from specsight.errors import SpecsightError

NAMES = {1: "tread", 2: "sidewall", 3: "bead"}


def held_out(peaks: list[dict[str, float] | None], labels: list[int] | None = None) -> HeldOut:
    judged = [(1.0, np.full((2, 2), 1.0, np.float32))] * len(peaks)
    return HeldOut.of(judged, parts=labels, part_peaks=peaks)


def test_peaks_are_those_of_each_part_and_of_what_lies_on_none() -> None:
    parts = np.array([[0, 1, 1], [9, 2, 2]], np.uint8)
    map_ = np.array([[5, 1, 2], [7, 4, 3]], np.float32)
    assert peaks_on_parts(map_, parts, NAMES) == {"": 7.0, "tread": 2.0, "sidewall": 4.0}
    assert peaks_on_parts(map_, None, NAMES) is None


def test_a_scope_is_compared_with_good_parts_that_show_it() -> None:
    peaks: list[dict[str, float] | None] = [{"tread": float(k), "": 99.0} for k in range(60)]
    peaks += [{"sidewall": 1000.0 + k} for k in range(10)] + [None] * 5
    calibration = held_out(peaks).calibrate()
    tread = calibration.scoped(lambda part: part == "tread")
    sidewall = calibration.scoped(lambda part: part == "sidewall")
    assert tread is not None
    assert sidewall is not None
    assert (tread.threshold, tread.good_count, tread.false_reject_rate) == (59.0, 60, 0.05)
    assert (sidewall.threshold, sidewall.good_count) == (1009.0, 10)
    assert sidewall.false_reject_rate == pytest.approx(1 - 0.05**0.1)
    assert "10 good parts that show it held out, at most 25.9 % false rejects" in sidewall.statement()
    assert calibration.scoped(lambda part: part == "bead") is None
    four = held_out([{"tread": 1.0}] * 4).calibrate()
    assert four.scoped(lambda part: part == "tread") is None, "four parts promise nothing"


def test_pictures_of_one_part_count_once_with_the_largest_peak_on_each() -> None:
    peaks: list[dict[str, float] | None] = [{"tread": 1.0, "bead": 5.0}, {"tread": 3.0}, None, {"tread": 2.0}]
    calibration = held_out(peaks, [0, 0, 0, 1]).calibrate()
    assert calibration.part_peaks == ({"tread": 3.0, "bead": 5.0}, {"tread": 2.0})


def test_a_threshold_set_by_hand_promises_nothing_of_a_scope_either() -> None:
    assert held_out([{"tread": 1.0}] * 60).at(2.0).scoped(lambda part: True) is None


def test_peaks_survive_json_and_models_without_them_are_read() -> None:
    known = held_out([{"tread": 1.5, "": 2.0}, None])
    assert HeldOut.from_json(json.loads(json.dumps(known.to_json()))) == known
    calibration = known.calibrate()
    values = json.loads(json.dumps(calibration.to_json()))
    assert Calibration.from_json(values) == calibration
    del values["part_peaks"]
    assert Calibration.from_json(values).part_peaks == ()
    values["part_peaks"] = [{"tread": "high"}]
    with pytest.raises(SpecsightError, match="damaged"):
        Calibration.from_json(values)


def test_the_promise_of_a_scope_holds_on_random_maps() -> None:
    """Parts of the product differ in level and in how often they are shown; two parts are as sound as one."""
    generator = np.random.default_rng(7)
    wanted, draws = 0.1, 300

    def line(count: int) -> np.ndarray:
        """Peaks of parts of the line on the three parts of the product, -inf where one is not shown."""
        shown = generator.random((count, 3)) < (0.9, 0.7, 0.5)
        common = generator.normal(0, 1, (count, 1))
        peaks = common + generator.gumbel((0, 3, 1), (0.5, 1, 2), (count, 3))
        return np.where(shown, peaks, -np.inf)

    def named(peaks: np.ndarray) -> list[dict[str, float]]:
        return [{name: float(p) for name, p in zip(NAMES.values(), row) if np.isfinite(p)} for row in peaks]

    kept = {("tread",): 0, ("sidewall", "bead"): 0}
    for _ in range(draws):
        calibration = held_out(list(named(line(60)))).calibrate(wanted)
        to_come = line(4000)
        for scope in kept:
            limit = calibration.scoped(lambda part, scope=scope: part in scope)  # type: ignore[misc]
            assert limit is not None
            reached = to_come[:, [name in scope for name in NAMES.values()]].max(axis=1)
            reached = reached[np.isfinite(reached)]
            kept[scope] += bool((reached > limit.threshold).mean() <= limit.false_reject_rate)
    # Three standard errors of a share of 0.95 in 300 draws are 0.038; finite draws to come add to it.
    assert all(count / draws >= 0.95 - 0.045 for count in kept.values()), kept


PEAKS = st.dictionaries(st.sampled_from(["tread", "sidewall", ""]), st.floats(-5, 5), min_size=1)


@given(st.lists(PEAKS, min_size=6, max_size=80))
def test_more_parts_in_scope_never_lower_what_good_parts_reach(peaks: list[dict[str, float]]) -> None:
    calibration = held_out(list(peaks)).calibrate()
    everything, part = calibration.scoped(lambda part: True), calibration.scoped(lambda p: p == "tread")
    assert everything is not None
    if part is not None and part.good_count == everything.good_count:
        assert part.threshold <= everything.threshold
