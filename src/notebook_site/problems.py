"""One finding of a check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """What is wrong where, and what mends it. `is_error` False marks advice that does not fail a build."""

    path: str
    what: str
    mend: str
    cell: str = ""
    is_error: bool = True

    def __str__(self) -> str:
        where = f"{self.path}: cell {self.cell}" if self.cell else self.path
        return f"{'' if self.is_error else 'advice: '}{where}: {self.what}. {self.mend}"
