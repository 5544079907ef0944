"""From the raw JSON of the benchmarks to ``docs/async-migration-results.md``."""
