"""Benchmarks: Handcart, a minimal program that runs the same SQL, and other projects' servers. See README.md."""
