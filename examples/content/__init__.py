"""Content that a model drafts, an editor judges, and a model polishes."""
