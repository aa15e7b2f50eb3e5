"""Prompts: a product's words → the sentences that encoders compare pictures with. Text only; knows no model."""

from __future__ import annotations

from specsight.prompts.banks import PromptBank, prompt_bank
from specsight.prompts.ensemble import damaged_prompts, defect_prompts, good_prompts

__all__ = ["PromptBank", "damaged_prompts", "defect_prompts", "good_prompts", "prompt_bank"]
