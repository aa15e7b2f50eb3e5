"""The automatic choice of a detector: good parts and painted defects → the candidate to fit, and why.

`painting` makes the defects, `material` splits the parts, `candidates` lists what is tried, `judging` asks it,
`scoring` gives numbers, `rule` says when they count, `search` does it within a limit. Test pictures are never seen.
"""

from specsight.choosing.candidates import DEFAULT
from specsight.choosing.choice import Choice, Tried
from specsight.choosing.config import AUTO, LIMITS, ChoiceConfig, choice_config
from specsight.choosing.search import Search

__all__ = ["AUTO", "DEFAULT", "LIMITS", "Choice", "ChoiceConfig", "Search", "Tried", "choice_config"]
