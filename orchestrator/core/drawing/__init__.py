"""Diagrams of boxes and arrows: a layout in layers, and SVG.

`picture` says what is drawn, `layers` and `levels` where, `svg` writes it down.
"""
