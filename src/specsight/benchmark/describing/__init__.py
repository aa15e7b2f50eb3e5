"""Good pictures → the normal description of a product, sentence by sentence, and a first specification."""

from specsight.benchmark.describing.contract import Captioner, Example, Good, captioners, load_captioner
from specsight.benchmark.describing.describe import describe, descriptions
from specsight.benchmark.describing.first_specification import first_specification, specification_text

__all__ = [
    "Captioner",
    "Example",
    "Good",
    "captioners",
    "describe",
    "descriptions",
    "first_specification",
    "load_captioner",
    "specification_text",
]
