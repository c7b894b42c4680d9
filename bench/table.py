"""The table: a line for each thing measured, both types of guest side by side, with its target and whether that is met."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Mapping, Sequence

TYPES = ("pv", "pvh")


@dataclass(frozen=True)
class Row:
    """One thing measured for one type of guest. Values are text with their unit; `met` is None where there is no target."""

    what: str
    ours: str
    linux: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None


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


HEAD = ["what", *(head for name in TYPES for head in (name.upper(), f"Linux {name.upper()}", "ratio")), "target", ""]


def render(rows: Mapping[str, Sequence[Row]]) -> str:
    """The rows of each type as Markdown, with columns lined up so that it reads as plain text, too."""
    names = dict.fromkeys(row.what for type in TYPES for row in rows[type])
    found = {(type, row.what): row for type in TYPES for row in rows[type]}
    lines = [HEAD, *(_line({type: found.get((type, name), Row(name, "")) for type in TYPES}) for name in names)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    lines.insert(1, ["-" * width for width in widths])
    return "".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |\n" for line in lines)


def _line(rows: Mapping[str, Row]) -> list[str]:
    """What was measured for each type, in one line."""
    values = [text for row in rows.values() for text in (row.ours, row.linux, row.ratio)]
    return [rows[TYPES[0]].what, *values, _target(rows), _verdict(rows)]


def _target(rows: Mapping[str, Row]) -> str:
    """Said once where the types have the same, or only one of them has any."""
    targets = {type: row.target for type, row in rows.items() if row.target}
    if len(set(targets.values())) <= 1:
        return next(iter(targets.values()), "")
    return ", ".join(f"{type.upper()} {target}" for type, target in targets.items())


def _verdict(rows: Mapping[str, Row]) -> str:
    missed = [type.upper() for type, row in rows.items() if row.met is False]
    if missed:
        return f"NOT MET ({', '.join(missed)})"
    return "met" if any(row.met for row in rows.values()) else ""
