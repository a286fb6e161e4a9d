"""What an installation of the package has."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lay_out_wheel(place: Path, *, without: str = "") -> None:
    """The files that the wheel would have, at their places in it, as links."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = wheel["targets"]["wheel"]
    for package in wheel["packages"]:
        (place / package).mkdir(parents=True)
        for part in (ROOT / package).iterdir():
            (place / package / part.name).symlink_to(part)
    for source, target in wheel["force-include"].items():
        (place / target).parent.mkdir(parents=True, exist_ok=True)
        (place / target).symlink_to(ROOT / source)
    if without:
        (place / without).rename(place.with_name(f"without_{without}"))
