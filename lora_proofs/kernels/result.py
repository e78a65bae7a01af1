"""What every flow kernel returns: a batch of results, each with its error or why it failed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

Array = Any
REASONS = (
    "",
    "the data or the time are not finite, or too large to be squared",
    "too many steps",
    "the step size went to 0: the flow may blow up",
    "the estimated error is as large as the result",
    "overflow",
    "a matrix to invert is singular",
)
OK, NOT_FINITE, TOO_MANY_STEPS, STUCK, INACCURATE, OVERFLOW, SINGULAR = range(len(REASONS))


@dataclass(frozen=True, eq=False)
class BatchResult:
    """N results along the leading axis: W (N, n, m), B (N, n, r), A (N, r, m).

    ``error`` (N,) estimates, per instance, the largest entrywise distance of A, B and W (and of the
    singular values) from the truth for the data as given; ``reason`` (N,) is 0, or a number into
    ``REASONS``: then the instance failed, and its entries and error are NaN. A and B are ``None``
    where they are known only up to a rotation. ``singular_values`` (N, min(r, n, m)) are those of
    W - W0, largest first, or ``None`` where they were not asked for.
    """

    W: Any
    A: Any
    B: Any
    error: Any
    steps: Any
    reason: Any
    singular_values: Any = None
    method: str = ""

    @property
    def failed(self) -> Any:
        """Which instances failed: (N,) of bool."""
        return self.reason != OK

    def why(self, index: int) -> str:
        """Why an instance failed, or nothing.

        >>> BatchResult(0, 0, 0, 0, 0, [0, 2]).why(1)
        'too many steps'
        """
        return REASONS[int(self.reason[index])]


FIELDS = ("W", "A", "B", "error", "steps", "reason", "singular_values")


def taken(result: BatchResult, places: Array, xp: Any) -> BatchResult:
    """The results at these places."""
    columns = {name: getattr(result, name) for name in FIELDS}
    some: Any = {k: X if X is None else xp.take(X, places, axis=0) for k, X in columns.items()}
    return replace(result, **some)


def joined(parts: list[BatchResult], xp: Any) -> BatchResult:
    """Results of blocks that follow each other; a factor that one does not know, none has."""
    if len(parts) == 1:
        return parts[0]
    columns = {name: [getattr(part, name) for part in parts] for name in FIELDS}
    whole = {k: None if any(x is None for x in v) else xp.concat(v) for k, v in columns.items()}
    return BatchResult(method="+".join(sorted({p.method for p in parts})), **whole)


def woven(parts: list[BatchResult], places: list[Array], xp: Any) -> BatchResult:
    """Results of parts of a batch, each at its places."""
    return taken(joined(parts, xp), xp.argsort(xp.concat(places)), xp)
