"""The REST API: what the operators' pages show and do, for programs."""
