"""Greedy k-centre against the textbook; the bounded bank; exact nearest neighbours."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specsight.features.coreset import REFRESHED, greedy_k_centre
from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.features.moments import Moments, balance, principal_axes


def textbook(points: np.ndarray, count: int, start: int) -> list[int]:
    """Gonzalez 1985 word by word, in float64."""
    points = points.astype(np.float64)
    distances = np.full(len(points), np.inf)
    picks = [start]
    while len(picks) < count:
        distances = np.minimum(distances, np.linalg.norm(points - points[picks[-1]], axis=1))
        picks.append(int(distances.argmax()))
    return picks


def radius(points: np.ndarray, picks: np.ndarray | list[int]) -> float:
    """The largest distance of any point to its nearest pick."""
    chosen = points[np.asarray(picks)].astype(np.float64)
    return float(max(np.linalg.norm(chosen - point, axis=1).min() for point in points.astype(np.float64)))


def test_picks_by_hand() -> None:
    line = np.array([[0.0], [1.0], [10.0], [4.0], [6.5]], np.float32)
    assert greedy_k_centre(line, 4, start=0).tolist() == [0, 2, 3, 4]


@pytest.mark.parametrize("shift", [0, 100])
def test_picks_are_those_of_the_textbook_beyond_one_front(shift: float) -> None:
    points = np.random.default_rng(0).standard_normal((3 * REFRESHED, 12)).astype(np.float32) + np.float32(
        shift
    )
    assert greedy_k_centre(points, 300, start=7).tolist() == textbook(points, 300, 7)


def test_small_clusters_far_apart_are_covered_as_by_the_textbook() -> None:
    # Distances inside a cluster are a hundredth of those between: float32 may swap picks that are nearly tied.
    generator = np.random.default_rng(0)
    centres = 5 * generator.standard_normal((8, 12))
    scattered = centres[generator.integers(0, 8, 3000)] + 0.1 * generator.standard_normal((3000, 12))
    points = scattered.astype(np.float32)
    picks, expected = greedy_k_centre(points, 300, start=7), textbook(points, 300, 7)
    assert picks[:8].tolist() == expected[:8]
    assert radius(points, picks) == pytest.approx(radius(points, expected), rel=0.01)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 4), st.integers(1, 60), st.integers(0, 10_000))
def test_covering_radius_equals_the_textbooks_on_grids_full_of_ties(
    rows: int, width: int, count: int, seed: int
) -> None:
    points = np.random.default_rng(seed).integers(0, 4, (rows, width)).astype(np.float32)
    picks = greedy_k_centre(points, count, start=0)
    assert len(set(picks.tolist())) == len(picks) <= min(count, rows)
    distinct = len(np.unique(points, axis=0))
    assert len(picks) == min(count, distinct)
    # Each pick lies as far from those before it as the farthest point there is: the greedy property itself.
    for k in range(1, len(picks)):
        to_earlier = np.linalg.norm(points[picks[:k]] - points[picks[k]], axis=1).min()
        assert to_earlier == pytest.approx(radius(points, picks[:k]), abs=1e-4)


def test_duplicates_and_constant_points_end_the_selection() -> None:
    assert greedy_k_centre(np.full((5000, 3), 0.1, np.float32), 100).tolist() == [0]
    two = np.repeat(np.array([[0.0, 1.0], [2.0, 3.0]], np.float32), 3000, axis=0)
    assert len(greedy_k_centre(two, 10)) == 2


def test_ill_formed_points_are_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        greedy_k_centre(np.zeros((3, 2)), 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="outside"):
        greedy_k_centre(np.zeros((3, 2), np.float32), 1, start=3)


def test_merge_and_reduce_stays_within_its_budget_and_near_the_radius_of_one_pass() -> None:
    generator = np.random.default_rng(2)
    points = generator.random((6000, 3), dtype=np.float32)
    builder = BankBuilder(ratio=1.0, limit=60, budget=3 * 4 * 600, seed=0)
    for piece in np.array_split(points, 37):
        builder.add(piece)
        assert len(builder._buffer) <= 600
    bank = builder.build()
    assert builder.total == len(points)
    assert len(bank) == 60
    streamed = float(MemoryBank(bank).nearest(points)[0].max())
    at_once = radius(points, greedy_k_centre(points, 60, 0))
    assert streamed < 1.5 * at_once


def test_the_bank_keeps_a_ratio_or_the_limit_whichever_is_fewer() -> None:
    points = np.random.default_rng(3).random((500, 4), dtype=np.float32)
    for ratio, limit, expected in ((0.1, 1000, 50), (0.5, 100, 100), (1.0, 1000, 500), (1e-6, 9, 1)):
        builder = BankBuilder(ratio, limit, 1 << 20, seed=0)
        builder.add(points)
        assert len(builder.build()) == expected


def test_one_addition_larger_than_the_buffer() -> None:
    builder = BankBuilder(1.0, limit=4, budget=1, seed=0)
    builder.add(np.random.default_rng(4).random((100, 2), dtype=np.float32))
    assert (builder.total, len(builder.build())) == (100, 4)


def test_a_search_leaves_the_encoder_its_threads() -> None:
    """Faiss and torch may count threads in one place, and sums over more threads have other last bits.

    In a process of its own: whether they do depends on what was loaded first.
    """
    pytest.importorskip("torch")
    code = """
import torch, numpy as np
from specsight.features.memory_bank import MemoryBank
bank = MemoryBank(np.eye(3, dtype=np.float32))
for threads in (1, 2):
    torch.set_num_threads(threads)
    bank.nearest(np.zeros((2, 3), np.float32))
    assert torch.get_num_threads() == threads
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nearest_neighbours_equal_brute_force() -> None:
    generator = np.random.default_rng(5)
    bank, queries = (generator.random((n, 17)).astype(np.float32) for n in (300, 40))
    distances, found = MemoryBank(bank).nearest(queries, 5)
    every = np.linalg.norm(queries[:, None].astype(np.float64) - bank[None], axis=2)
    np.testing.assert_array_equal(found, np.argsort(every, axis=1)[:, :5])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :5], rtol=1e-5)


def test_a_stored_vector_far_from_the_origin_is_at_distance_zero() -> None:
    bank = 1000 + np.random.default_rng(6).random((50, 64)).astype(np.float32)
    distances, _ = MemoryBank(bank).nearest(bank)
    assert (distances == 0).all()


def test_more_neighbours_than_there_are() -> None:
    distances, found = MemoryBank(np.eye(3, dtype=np.float32)).nearest(np.zeros((2, 3), np.float32), 9)
    assert distances.shape == found.shape == (2, 3)


def test_streamed_moments_equal_those_of_all_vectors() -> None:
    vectors = (np.random.default_rng(7).standard_normal((900, 6)) * [1, 2, 3, 4, 5, 6] + 50).astype(
        np.float32
    )
    moments = Moments()
    for piece in np.array_split(vectors, 13):
        moments.add(piece)
    np.testing.assert_allclose(moments.mean, vectors.mean(0), rtol=1e-5)
    np.testing.assert_allclose(moments.covariance, np.cov(vectors.T, bias=True), rtol=1e-3, atol=1e-3)


def test_principal_axes_keep_distances_and_what_they_leave_over() -> None:
    generator = np.random.default_rng(8)
    plane = generator.standard_normal((2, 5))
    vectors = (generator.standard_normal((400, 2)) @ plane + 3).astype(np.float32)
    moments = Moments()
    moments.add(vectors)
    axes = principal_axes(moments, 0.999999)
    assert axes.basis.shape == (5, 2)
    np.testing.assert_allclose(axes.residual(vectors), 0, atol=1e-8)
    outside = np.linalg.svd(plane)[2][-1].astype(np.float32)
    np.testing.assert_allclose(axes.residual(vectors[:3] + 2 * outside), 4, rtol=1e-4)
    projected = axes.project(np.stack([vectors[0], vectors[1], vectors[1] + 2 * outside]))
    assert np.linalg.norm(projected[0] - projected[1]) == pytest.approx(
        np.linalg.norm(vectors[0] - vectors[1]), rel=1e-4
    )
    assert projected[2, -1] == pytest.approx(2, rel=1e-4)


def test_constant_vectors_have_no_axes() -> None:
    moments = Moments()
    moments.add(np.full((100, 4), 1.7, np.float32))
    assert principal_axes(moments, 0.99).basis.shape == (4, 0)


def test_balanced_groups_weigh_the_same() -> None:
    generator = np.random.default_rng(9)
    vectors = generator.standard_normal((500, 5)).astype(np.float32) * np.array(
        [1, 1, 100, 100, 0], np.float32
    )
    moments = Moments()
    moments.add(vectors)
    scaled = vectors * balance(moments, [2, 2, 1])
    assert scaled[:, :2].var(0).sum() == pytest.approx(1, rel=1e-3)
    assert scaled[:, 2:4].var(0).sum() == pytest.approx(1, rel=1e-3)
    assert np.isfinite(scaled).all()
    axes = principal_axes(moments, 0.99, balance(moments, [2, 2, 1]))
    assert axes.basis.shape == (5, 4)
