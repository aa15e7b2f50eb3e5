"""Required features named in words → whether a picture shows them, or why that cannot be said."""

from specsight.presence.check import PresenceCheck
from specsight.presence.evidence import Evidence
from specsight.presence.good_pictures import GoodPictures

__all__ = ["Evidence", "GoodPictures", "PresenceCheck"]
