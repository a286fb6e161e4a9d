"""Workflows as their authors would write them. `make demo` runs them, the tests drive them."""
