"""The operators' pages: what runs, what waits and why, and what can be done about it."""
