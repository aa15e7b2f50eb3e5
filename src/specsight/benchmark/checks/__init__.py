"""What a benchmark is held to before it may be released. `check_benchmark(benchmark)` runs every registered check."""

from specsight.benchmark.checks.contract import Check, Result, check_benchmark, checks, failures

__all__ = ["Check", "Result", "check_benchmark", "checks", "failures"]
