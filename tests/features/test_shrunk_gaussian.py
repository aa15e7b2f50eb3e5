"""A covariance shrunk after Ledoit and Wolf, against the estimator of the paper written out in D × D matrices."""

from __future__ import annotations

import numpy as np

from specsight.features.shrunk_gaussian import LEAST, ShrunkGaussian


def test_distances_by_the_papers_equations() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((12, 20)) @ generator.standard_normal((20, 20))
    queries = generator.standard_normal((5, 20))
    centred = vectors - vectors.mean(0)
    covariance = centred.T @ centred / 12
    average = np.trace(covariance) / 20
    spread = np.square(covariance - average * np.eye(20)).sum()
    noise = np.mean([np.square(np.outer(x, x) - covariance).sum() for x in centred]) / 12
    shrinkage = np.clip(noise / spread, LEAST, 1)
    inverse = np.linalg.inv((1 - shrinkage) * covariance + shrinkage * average * np.eye(20))
    expected = [np.sqrt((q - vectors.mean(0)) @ inverse @ (q - vectors.mean(0))) for q in queries]
    np.testing.assert_allclose(ShrunkGaussian.learn(vectors).distances(queries), expected, rtol=1e-6)


def test_vectors_that_do_not_vary_have_plain_distances() -> None:
    gaussian = ShrunkGaussian.learn(np.ones((4, 3)))
    np.testing.assert_allclose(gaussian.distances(np.array([[1.0, 1.0, 3.0]])), [2.0])
