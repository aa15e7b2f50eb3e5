"""Samples → questions with checkable answers, of all sixteen tasks.

Two passes over the samples: `survey` counts which answers occur (`Census`), `make_items` then asks each picture what it
allows, so that neither the question nor the options, their letters, lengths or frequencies tell the answer.
"""

from specsight.benchmark.items.balance import Balance
from specsight.benchmark.items.census import Census
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.making import make_items, survey

__all__ = ["Balance", "Census", "Context", "make_items", "survey"]
