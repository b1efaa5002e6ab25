"""Draws the curves that `growth` measured as SVG files. Runs in an environment of its own, with matplotlib.

Arguments: a JSON file with the curves, the folder for the drawings.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def draw(curve: dict[str, Any], path: Path) -> None:
    """Draw the measured points, and the law that was fitted to them, with both axes logarithmic.

    Args:
        curve: `title`, `x`, `y` (names of the axes), `points`, `factor`, `exponent`, `law`.
        path: of the drawing.
    """
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    across, up = zip(*curve["points"], strict=True)
    fitted = [curve["factor"] * x ** curve["exponent"] for x in across]
    axes.loglog(across, up, "o", label="measured")
    axes.loglog(across, fitted, "-", linewidth=1, label=curve["law"])
    axes.set_xlabel(curve["x"])
    axes.set_ylabel(curve["y"])
    axes.set_title(curve["title"])
    # A flat curve over less than a decade would fill the height with its noise.
    axes.set_ylim(min(up) / 3, max(up) * 3)
    axes.grid(visible=True, which="both", linewidth=0.3)
    axes.legend()
    figure.savefig(path)


def main(curves: Path, folder: Path) -> None:
    """Draw all curves, each into a file of its name."""
    for curve in json.loads(curves.read_text()):
        draw(curve, folder / f"{curve['name']}.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
