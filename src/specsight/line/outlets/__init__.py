"""Judged parts → files, webhooks, MQTT brokers, OPC UA clients: one contract, one queue on disk for all of them."""

from specsight.line.outlets.contract import NotTaken, Outlet, OutletDown, outlet, outlets
from specsight.line.outlets.sending import Outlets, OutletState

__all__ = ["NotTaken", "Outlet", "OutletDown", "OutletState", "Outlets", "outlet", "outlets"]
