"""Reads TAP version 13 as our tests print it: from host test programs, and from a test image's console (docs/guest-contract.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PLAN = re.compile(r"^1\.\.(\d+)")
START = re.compile(r"^# start (\S+)")
RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:-\s*)?(.*?)(?:\s*#\s*(SKIP|TODO)\S*\s*(.*))?$", re.I)


@dataclass
class Case:
    """One test's result: `ok`, `FAILED` or `skipped`."""

    name: str
    outcome: str
    details: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What a program's output says."""

    planned: int | None = None
    cases: list[Case] = field(default_factory=list)
    under_way: str | None = None        # started, and no result yet: what took the program down, if it is down
    loose: list[str] = field(default_factory=list)      # lines since the last result

    @property
    def complete(self) -> bool:
        """Did it run all that it planned?"""
        return self.planned is not None and len(self.cases) >= self.planned


def parse(text: str) -> Report:
    """Everything that some output says. Other lines between two results are the second one's details if it failed."""
    report = Report()
    for line in text.replace("\r\n", "\n").splitlines():
        if match := PLAN.match(line):
            report.planned = int(match[1])
        elif match := START.match(line):
            report.under_way = match[1]
            report.loose = []
        elif match := RESULT.match(line):
            report.cases.append(_case(match, report))
            report.under_way, report.loose = None, []
        elif not line.startswith("TAP version"):
            report.loose.append(line.removeprefix("# "))
    return report


def _case(match: re.Match[str], report: Report) -> Case:
    name = match[3].strip() or report.under_way or f"test {match[2] or len(report.cases) + 1}"
    if (match[4] or "").upper() == "SKIP":
        return Case(name, "skipped", [match[5] or "no reason given"])
    if match[1]:
        return Case(name, "FAILED", report.loose)
    return Case(name, "ok")
