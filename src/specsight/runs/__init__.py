"""Run folders: predictions, maps, fits, numbers, protocol, environment; written so that a killed run can go on."""

from specsight.runs.fit import Fit
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction, SkippedPicture
from specsight.runs.protocol import Protocol

__all__ = ["Fit", "Prediction", "Protocol", "RunFolder", "SkippedPicture"]
