"""The table: a row for each thing measured, with its target and whether that is met."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Sequence


@dataclass(frozen=True)
class Row:
    """One line. Values are text with their unit; `met` is None where there is no target."""

    what: str
    ours: str
    linux: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None

    def verdict(self) -> str:
        return "" if self.met is None else "met" if self.met else "NOT MET"

    def cells(self) -> list[str]:
        return [self.what, self.ours, self.linux, self.ratio, self.target, self.verdict()]


@dataclass(frozen=True)
class Sample:
    """Repeated measurements of one thing."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def shown(self, unit: str, scale: float = 1, digits: int = 0) -> str:
        """The median, and from what to what the values went where they differ."""
        def number(value: float) -> str:
            return f"{value / scale:,.{digits}f}"
        low, high = number(min(self.values)), number(max(self.values))
        spread = f" ({low}–{high})" if low != high else ""
        return f"{number(self.median)} {unit}{spread}"


def ratio(ours: float, theirs: float) -> str:
    """Ours by theirs, readable on either side of 1."""
    if ours <= 0 or theirs <= 0:
        return ""
    return f"1/{theirs / ours:,.0f}" if theirs > 10 * ours else f"{ours / theirs:.2f}"


HEAD = ["what", "Stardust", "Linux", "ratio", "target", ""]


def render(rows: Sequence[Row]) -> str:
    """Markdown, with columns lined up so that it reads as plain text, too."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    lines.insert(1, ["-" * width for width in widths])
    return "".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |\n" for line in lines)
