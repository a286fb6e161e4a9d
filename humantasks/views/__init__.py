"""The inbox's pages. A view reads, calls one verb of `humantasks.inbox`, and renders."""
