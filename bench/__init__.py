"""Benchmarks: ours beside a bare program that runs the same SQL, and beside other people's servers. See README.md."""
