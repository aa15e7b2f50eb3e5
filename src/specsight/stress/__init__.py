"""What makes pictures harder to judge on a real line: stressors with levels, applied to pictures and to whole sets.

`apply(picture, name, level, seed)` stresses one picture; `write_stressed` writes a stressed copy of a data set.
"""

from specsight.stress.applying import apply, hidden, seed_of
from specsight.stress.stressor import Stressor, stressors
from specsight.stress.writing import StressedSet, write_stressed

__all__ = ["StressedSet", "Stressor", "apply", "hidden", "seed_of", "stressors", "write_stressed"]
