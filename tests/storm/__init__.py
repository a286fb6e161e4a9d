"""Storms: real workers, killed and frozen while runs go on. `make storm`."""
