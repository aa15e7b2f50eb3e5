"""Which arithmetic a pass uses."""

from __future__ import annotations

from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]
"""Mixed precision where it is fast, never, or always."""


def mixed_precision(device: torch.device, precision: Precision = "auto") -> torch.autocast:
    """Context in which matrix products use bfloat16.

    "auto": where the processor multiplies bfloat16 natively (2 to 3 times faster there), and float32 elsewhere.
    """
    fast = device.type == "cuda" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    enabled = fast if precision == "auto" else precision == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)
