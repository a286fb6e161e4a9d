"""The protocol as models, each searched through all its interleavings: `make models`."""
