"""Maps compared with good parts at the same place: what that is, when it is used, and that its promise holds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from specsight.calibration import ByPlace
from specsight.calibration.by_place import PRIOR, Cells, coarse
from specsight.records import Judgement

Map = NDArray[np.float32]


def good_maps(count: int, seed: int = 0, *, aligned: bool = True) -> list[Map]:
    """A bright line that varies much, on quiet ground; at another place on every part unless they are aligned."""
    rng = np.random.default_rng(seed)
    maps = []
    for _ in range(count):
        map_ = rng.normal(1, 0.05, (24, 32))
        column = 10 if aligned else int(rng.integers(2, 30))
        map_[:, column : column + 2] += rng.normal(3, 0.8)
        maps.append(map_.astype(np.float32))
    return maps


def cells_of(maps: list[Map]) -> Cells:
    return Cells(maps, [k % 5 for k in range(len(maps))], range(len(maps)))


def test_statistics_of_a_place_are_shrunk_towards_those_of_all_places() -> None:
    maps = [np.full((4, 4), value, np.float32) for value in (0.0, 2.0)]
    places = ByPlace.of(maps)
    # Everywhere alike: mean 1, variance 1, whatever the prior counts.
    assert places.mean == pytest.approx(1)
    assert places.deviation == pytest.approx(1)
    edge = np.zeros((40, 40), np.float32)
    edge[:, 20:] = 1
    places, own = ByPlace.of([edge] * 8), 8 / (8 + PRIOR)
    assert places.mean[20, 35] == pytest.approx(own * 1 + (1 - own) * 0.5, abs=1e-4)
    assert (places.deviation > 0).all()


def test_parts_count_and_not_their_pictures() -> None:
    """Two more pictures of each part, or ten more of one, say nothing new."""
    maps, parts = good_maps(12), range(12)
    once, of_parts = ByPlace.of(maps), ByPlace.of(maps, parts)
    assert np.array_equal(once.mean, of_parts.mean)
    assert np.array_equal(once.deviation, of_parts.deviation)
    thrice = ByPlace.of(maps * 3, [*parts] * 3)
    one_often = ByPlace.of([*maps, *maps[:1] * 10], [*parts, *[0] * 10])
    for repeated in (thrice, one_often):
        assert repeated.mean == pytest.approx(once.mean, abs=1e-5)
        assert repeated.deviation == pytest.approx(once.deviation, rel=1e-4)
    assert not np.allclose(ByPlace.of(maps * 3).deviation, once.deviation, rtol=1e-2)
    folds = [k % 4 for k in parts]
    cells, repeated_cells = Cells(maps, folds, parts), Cells(maps * 2, folds * 2, [*parts] * 2)
    assert repeated_cells.of_others[0].mean == pytest.approx(cells.of_others[0].mean, abs=1e-5)


def test_a_faint_defect_in_a_quiet_place_is_found_beside_an_edge_that_varies() -> None:
    places = ByPlace.of(good_maps(60))
    good = [places.apply(Judgement(0.0, map_)) for map_ in good_maps(40, seed=1)]
    defective = []
    for map_ in good_maps(40, seed=2):
        map_[6:9, 22:25] += 0.6
        defective.append((float(map_.max()), places.apply(Judgement(0.0, map_))))
    assert min(d.score for _, d in defective) > max(g.score for g in good)
    # The maximum of the raw map lies on the edge and tells them apart no better than chance.
    raw_good = [float(map_.max()) for map_ in good_maps(40, seed=1)]
    assert np.mean([d > g for d, _ in defective for g in raw_good]) < 0.7
    row, column = np.unravel_index(defective[0][1].map.argmax(), (24, 32))
    assert 6 <= row < 9
    assert 22 <= column < 25


def test_a_picture_of_another_size_shows_the_same_places() -> None:
    places = ByPlace.of(good_maps(30))
    large = np.kron(good_maps(1, seed=5)[0], np.ones((4, 4), np.float32))
    judged = places.apply(Judgement(0.0, large))
    assert judged.map.shape == large.shape
    assert abs(float(judged.map.mean())) < 1
    assert coarse(large, (24, 32)).shape == (24, 32)
    assert coarse(np.zeros((640, 320), np.float32)).shape == (64, 32)


def test_good_parts_say_whether_they_lie_alike() -> None:
    assert cells_of(good_maps(30)).lie_alike()
    assert not cells_of(good_maps(30, aligned=False)).lie_alike()
    assert not cells_of(good_maps(19)).lie_alike()
    assert not Cells(good_maps(30), [0] * 30, range(30)).lie_alike()
    assert not cells_of([*good_maps(29), np.ones((24, 31), np.float32)]).lie_alike()


def test_a_threshold_from_folds_keeps_its_promise() -> None:
    """Each good map is compared with other folds alone, as a part to come is with parts that are not it."""
    above = []
    for draw in range(30):
        maps = good_maps(60, seed=draw)
        cells = cells_of(maps)
        scores = sorted(
            cells.of_others[fold].apply(Judgement(0.0, map_)).score
            for map_, fold in zip(maps, cells.folds, strict=True)
        )
        final = ByPlace.of(maps)
        new = [final.apply(Judgement(0.0, map_)).score for map_ in good_maps(40, seed=1000 + draw)]
        above.append(np.mean(np.array(new) > scores[-1]))
    # One of 61 lies above the largest of 60 on average.
    assert np.mean(above) < 2 / 61


def test_what_is_kept_is_read_and_what_is_damaged_refused() -> None:
    places = ByPlace.of(good_maps(20))
    again = ByPlace.from_state(places.state())
    assert np.array_equal(again.mean, places.mean)
    for damaged in (
        {"mean": places.mean},
        {"mean": places.mean, "deviation": places.deviation[:-1]},
        {"mean": places.mean, "deviation": -places.deviation},
    ):
        with pytest.raises((ValueError, LookupError)):
            ByPlace.from_state(damaged)
