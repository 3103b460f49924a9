"""What must be true of the stored data. Domains list it in `invariants.py`; `upkeep.integrity` checks it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence about stored data, and the statement of plain SQL that finds the rows against it."""

    sentence: str
    sql: str
