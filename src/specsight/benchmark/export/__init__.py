"""A benchmark in the forms that others read. `export_benchmark(benchmark, to, out)` is the only way to write one."""

from specsight.benchmark.export.contract import Exported, export_benchmark, exporters

__all__ = ["Exported", "export_benchmark", "exporters"]
