"""Documents: summarised by a model, reviewed by a person when in doubt, imported in bulk."""
