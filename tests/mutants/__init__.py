"""What keeps the promises, taken away piece by piece: for each, a named test must notice."""
