"""The colours of static/orchestrator/ui.css, in light and dark: legible, and apart for
colour-blind eyes.

Contrast as in WCAG 2.2; colour blindness after Machado, Oliveira and Fernandes (2009), severity 1;
differences by CIEDE2000.
"""

from __future__ import annotations

import math
import re
from itertools import combinations
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "static/orchestrator/ui.css").read_text()
FAMILIES = ("queued", "running", "waiting", "human", "retry", "ok", "failed")
SURFACES = ("bg", "surface", "surface-2")

Rgb = tuple[float, float, float]


def themes() -> dict[str, dict[str, Rgb]]:
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)", CSS)
    return {
        "light": {name: rgb(light) for name, light, _ in found},
        "dark": {name: rgb(dark) for name, _, dark in found},
    }


def rgb(text: str) -> Rgb:
    """The colour as linear light, from #rgb or #rrggbb."""
    digits = text[1:] if len(text) == 7 else "".join(digit * 2 for digit in text[1:])
    red, green, blue = (linear(int(digits[i : i + 2], 16) / 255) for i in (0, 2, 4))
    return red, green, blue


def linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def contrast(a: Rgb, b: Rgb) -> float:
    darker, lighter = sorted((luminance(a), luminance(b)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Rgb) -> float:
    red, green, blue = colour
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


SIGHT = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def seen(colour: Rgb, sight: str) -> Rgb:
    red, green, blue = (
        min(max(sum(weight * part for weight, part in zip(row, colour, strict=True)), 0), 1)
        for row in SIGHT[sight]
    )
    return red, green, blue


def lab(colour: Rgb) -> tuple[float, float, float]:
    red, green, blue = colour
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def difference(one: Rgb, two: Rgb) -> float:
    """CIEDE2000."""
    (l1, a1, b1), (l2, a2, b2) = lab(one), lab(two)
    mean_chroma = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    grey = 0.5 * (1 - math.sqrt(mean_chroma**7 / (mean_chroma**7 + 25**7)))
    a1, a2 = a1 * (1 + grey), a2 * (1 + grey)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    d_light = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2))
    s_chroma, s_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * weight_of_hue(hue)
    d_chroma = (c2 - c1) / s_chroma
    d_hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2)) / s_hue
    bend = 60 * math.exp(-(((hue - 275) / 25) ** 2))
    rotation = -2 * math.sqrt(chroma**7 / (chroma**7 + 25**7)) * math.sin(math.radians(bend))
    return math.sqrt(d_light**2 + d_chroma**2 + d_hue**2 + rotation * d_chroma * d_hue)


def weight_of_hue(hue: float) -> float:
    return (
        1
        - 0.17 * math.cos(math.radians(hue - 30))
        + 0.24 * math.cos(math.radians(2 * hue))
        + 0.32 * math.cos(math.radians(3 * hue + 6))
        - 0.20 * math.cos(math.radians(4 * hue - 63))
    )


TEXTS = [
    *((text, surface) for text in ("text", "muted", "accent") for surface in SURFACES),
    *((text, "accent-bg") for text in ("text", "muted", "accent")),
    ("accent-fg", "accent"),
    ("accent-fg", "accent-2"),
    *((f"st-{family}-fg", f"st-{family}-bg") for family in FAMILIES),
    *((f"st-{family}-fg", surface) for family in FAMILIES for surface in SURFACES),
    *(("text", f"st-{family}-bg") for family in FAMILIES),
    *(("muted", f"st-{family}-bg") for family in ("retry", "failed")),
]
GRAPHICS = [
    *((f"st-{family}", "surface") for family in FAMILIES),
    ("line-strong", "surface"),
    ("line-strong", "bg"),
    ("focus", "bg"),
    ("focus", "surface"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXTS)
def test_text_has_a_contrast_of_at_least_four_and_a_half(theme: str, front: str, back: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[front], colours[back]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), GRAPHICS)
def test_graphics_have_a_contrast_of_at_least_three(theme: str, front: str, back: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[front], colours[back]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_statuses_look_different(theme: str, sight: str) -> None:
    colours = themes()[theme]
    shown = [seen(colours[f"st-{family}"], sight) for family in FAMILIES]
    assert min(difference(a, b) for a, b in combinations(shown, 2)) >= 15


def test_every_colour_of_the_tokens_has_a_light_and_a_dark_value() -> None:
    used = set(
        re.findall(
            r"var\(--((?:st-[\w-]+)|bg|surface[\w-]*|text|muted|line[\w-]*|accent[\w-]*)\)", CSS
        )
    )
    assert used <= themes()["light"].keys()


def test_the_measure_of_difference_agrees_with_known_pairs() -> None:
    white, black = rgb("#ffffff"), rgb("#000")
    assert difference(white, black) == pytest.approx(100, abs=0.01)
    assert contrast(white, black) == pytest.approx(21)
