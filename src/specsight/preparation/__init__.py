"""What good pictures tell before anything is fitted to them: how finely to look, in which tiles, in which pose.

In: pictures of good parts and an encoder. Out: a `Framing`, with its reasons in words. No picture to be judged is seen.
"""

from specsight.preparation.framing import STANDARD, Choices, Framing, propose_framing
from specsight.preparation.pose import ANGLES

__all__ = ["ANGLES", "STANDARD", "Choices", "Framing", "propose_framing"]
