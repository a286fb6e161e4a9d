"""The pages of the operators. One verb for each view; reads are in `dashboard.queries`."""

from dashboard.views.overview import home

__all__ = ["home"]
