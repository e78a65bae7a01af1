"""Rank against accuracy of large weights that are given in factors: no n x m matrix is formed.

Everything is exact or enclosed, as for small weights: the spectrum of E = U V' is that of a k x k
matrix of rationals, and what a start A0 sees of it is known by A0 V.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.arithmetic.context import Matrix, object_matrix
from lora_proofs.arithmetic.exact import fmpq
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.factored_spectra import FactoredMatrix, gram, sees_all
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.mathematics.random_starts import expected_squared_error
from lora_proofs.mathematics.singular_values import Level
from lora_proofs.solving.limit import Limit
from lora_proofs.solving.limit_balanced import FROM_ZERO
from lora_proofs.solving.problem import read_matrix, read_positive
from lora_proofs.solving.starts import ALIGNED, ORTHONORMAL, STARTS, gaussian
from lora_proofs.strategies.draw import SeededDraw

MATRICES = ("W0", "Y", "E")
FIELDS = ("loss", *MATRICES, "A0", "start", "scale", "eta_A", "eta_B")
TRACE = "closed form: from B0 = 0 the update is -(w0/S) A0'A0 with S = ||A0||_F^2"
PRECISIONS = (256, 1024, 4096)
OPEN = (
    "open: rows of A0 that are not orthonormal, up to one factor, have no closed form, and an "
    "enclosure of this size is out of reach; orthonormal and spectral-residual are shown"
)


@dataclass(frozen=True, eq=False)
class FactoredProblem:
    """An instance whose W0, Y or E = Y - W0 is in factors; of W0 trace-squared sees the trace."""

    loss: str
    matrix: FactoredMatrix
    start: str
    A0: Matrix | None
    scale: Fraction
    eta_A: Fraction
    eta_B: Fraction
    seed: int

    @property
    def columns(self) -> int:
        """k, the columns of the factors."""
        return int(self.matrix.U.shape[1])


def in_factors(data: Any) -> bool:
    """Whether an instance gives a matrix as {"U": ..., "V": ...}.

    >>> in_factors({"E": {"U": [[1]], "V": [[1]]}}), in_factors({"W0": [[1]]})
    (True, False)
    """
    return isinstance(data, Mapping) and any(isinstance(data.get(x), Mapping) for x in MATRICES)


def read_factored(data: Mapping[str, Any], seed: int = 0) -> FactoredProblem:
    """The instance that a JSON object states; ``BadInput`` names what does not fit.

    >>> E = {"U": [[1], [2]], "V": [[3]]}
    >>> read_factored({"loss": "frobenius", "E": E, "start": "orthonormal"}).matrix.shape
    (2, 1)
    """
    for name in data:
        if name not in FIELDS:
            lower = {field.lower(): field for field in FIELDS}
            near = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.5)
            hint = f"; did you mean {lower[near[0]]!r}?" if near else ""
            raise BadInput(
                f"{name}: expected a field among {', '.join(FIELDS)} where a matrix is in factors"
                f"{hint}"
            )
    loss = data.get("loss")
    if loss not in ("frobenius", "trace-squared"):
        raise BadInput(f"loss: expected frobenius or trace-squared, got {loss!r}")
    matrix = _trained(data, loss)
    A0 = read_matrix(data, "A0")
    start = _start(data, loss, A0, matrix)
    rates = {x: read_positive(data, x) for x in ("scale", "eta_A", "eta_B")}
    if not all(rates.values()):
        raise BadInput("scale, eta_A, eta_B: expected numbers above 0 where a matrix is in factors")
    return FactoredProblem(loss, matrix, start, A0, **rates, seed=seed)


def _trained(data: Mapping[str, Any], loss: str) -> FactoredMatrix:
    """W0 for trace-squared, E = Y - W0 for Frobenius: its factors stand side by side."""
    found = {name: _factors(data, name) for name in MATRICES if name in data}
    wanted = {"W0"} if loss == "trace-squared" else {"E"} if "E" in found else {"W0", "Y"}
    if set(found) != wanted:
        raise BadInput(
            f"expected {' and '.join(sorted(wanted))} in factors for the loss {loss}"
            f"{' (or E alone)' if len(wanted) == 2 else ''}, got {', '.join(found) or 'none'}"
        )
    if wanted == {"W0", "Y"}:
        (U, V), (P, Q) = ((found[x].U, found[x].V) for x in ("Y", "W0"))
        if found["Y"].shape != found["W0"].shape:
            raise BadInput(f"Y: expected the shape {found['W0'].shape}, got {found['Y'].shape}")
        return FactoredMatrix(np.hstack([U, -P]), np.hstack([V, Q]))
    matrix = next(iter(found.values()))
    if loss == "trace-squared" and matrix.shape[0] != matrix.shape[1]:
        raise BadInput(f"W0: expected a square matrix, got the shape {matrix.shape}")
    return matrix


def _factors(data: Mapping[str, Any], name: str) -> FactoredMatrix:
    told = data[name]
    if not isinstance(told, Mapping) or set(told) != {"U", "V"}:
        got = (
            f"the fields {', '.join(map(str, told))}" if isinstance(told, Mapping) else "no factors"
        )
        raise BadInput(
            f'{name}: expected factors {{"U": n x k, "V": m x k}} of {name} = U V\', in capitals '
            f"and nothing else, got {got}; where one matrix is in factors, all are"
        )
    U, V = (read_matrix(told, x, f"{name}.{x}") for x in ("U", "V"))
    if U is None or V is None or U.shape[1] != V.shape[1]:
        shapes = [X.shape for X in (U, V) if X is not None]
        raise BadInput(f"{name}: expected U and V with as many columns, got the shapes {shapes}")
    return FactoredMatrix(U, V)


def _start(data: Mapping[str, Any], loss: str, A0: Matrix | None, E: FactoredMatrix) -> str:
    if A0 is not None:
        if "start" in data:
            raise BadInput("start: expected either a start or an explicit A0, got both")
        if A0.shape[1] != E.shape[1]:
            raise BadInput(f"A0: expected the shape (r, {E.shape[1]}), got {A0.shape}")
        return "explicit"
    start = data.get("start")
    if start not in STARTS:
        raise BadInput(f"start: expected one of {', '.join(STARTS)}, or A0; got {start!r}")
    unfit = {"frobenius": "spectral-W0", "trace-squared": "spectral-residual"}[loss]
    if start == unfit:
        raise BadInput(f"start: {start} is not known for the loss {loss} in factors")
    return str(start)


@dataclass(frozen=True, eq=False)
class FactoredPoint:
    """What one rank reaches; ``None`` where it is open."""

    rank: int
    limit: Limit
    relative_error: Any
    bound: Any
    expected_squared_error: Any


@dataclass(frozen=True, eq=False)
class FactoredAnswer:
    """What is reached at each rank, and the start that was used: its leading rows, or ``None``."""

    problem: FactoredProblem
    points: tuple[FactoredPoint, ...]
    A0: Matrix | None
    square: Any


def factored_accuracy(
    problem: FactoredProblem,
    ranks: list[int] | None,
    digits: int,
    progress: Callable[[int], None] = lambda rank: None,
) -> FactoredAnswer:
    """The limit from B0 = 0 at each rank, by default 1 to the number of columns of the factors.

    Raises ``BadInput`` for a rank that the start does not have.

    >>> E = {"U": [[2, 0], [0, 1], [0, 0]], "V": [[1, 0], [0, 1], [0, 0]]}
    >>> p = read_factored({"loss": "frobenius", "E": E, "start": "spectral-residual"})
    >>> [str(point.limit.loss) for point in factored_accuracy(p, None, 15).points]
    ['1/2', '0']
    """
    most = min(problem.matrix.shape)
    if problem.A0 is not None:
        most = min(most, len(problem.A0))
    wanted = ranks or list(range(1, min(problem.columns, most) + 1))
    if not 1 <= wanted[0] <= wanted[-1] <= most:
        raise BadInput(f"--ranks: expected ranks from 1 to {most}, got {wanted[0]}..{wanted[-1]}")
    A0 = _rows(problem, wanted[-1])
    ctx = BallArithmetic(3 * digits + 40)
    by_rank = _TraceSquared if problem.loss == "trace-squared" else _Frobenius
    case, points = by_rank(problem, A0, ctx), []
    for r in wanted:
        progress(r)
        with ctx.working():
            points.append(case.point(r))
    return FactoredAnswer(problem, tuple(points), A0, case.square)


def _rows(problem: FactoredProblem, r: int) -> Matrix | None:
    """A0 of the largest rank; ``None`` for a start that is known by its directions alone."""
    m = problem.matrix.shape[1]
    if problem.start == "explicit":
        return problem.A0
    if problem.start == "gaussian":
        return gaussian(r, m, problem.seed)
    return reflected_rows(r, m, problem.seed) if problem.start == "orthonormal" else None


def reflected_rows(r: int, m: int, seed: int) -> Matrix:
    """The first r rows of I - 2 v v'/(v'v) with whole numbers v of m entries: orthonormal, exact.

    >>> Q = reflected_rows(2, 3, 0)
    >>> (Q @ Q.T).tolist()
    [[1, 0], [0, 1]]
    """
    source = SeededDraw.keyed("reflected", seed, m).source
    v = [source.randint(1, 8) * source.choice((-1, 1)) for _ in range(m)]
    size = sum(x * x for x in v)
    rows = [[flint.fmpq(-2 * v[i] * x, size) for x in v] for i in range(r)]
    for i, row in enumerate(rows):
        row[i] += 1
    return object_matrix(rows, fmpq)


class _Case:
    """What all ranks share; ``factor`` is alpha^2 = s sqrt(eta_B/eta_A), ``clock`` the time's."""

    def __init__(self, problem: FactoredProblem, A0: Matrix | None, ctx: BallArithmetic) -> None:
        self.problem, self.A0, self.ctx = problem, A0, ctx
        self.gram = None if A0 is None else gram(A0.T)
        with ctx.working():
            s = ctx.number(problem.scale)
            self.factor = s * ctx.sqrt(ctx.number(problem.eta_B / problem.eta_A))
            self.clock = s * ctx.sqrt(ctx.number(problem.eta_A * problem.eta_B))

    def leading(self, r: int) -> flint.fmpq_mat:
        """A0 A0' of the leading rows."""
        G: Any = self.gram
        return flint.fmpq_mat([[G[i, j] for j in range(r)] for i in range(r)])


class _TraceSquared(_Case):
    """From B0 = 0 the update is -(w0/S) A0'A0, so R^2 = n ||A0 A0'||^2/||A0||^4 - 1."""

    def __init__(self, problem: FactoredProblem, A0: Matrix | None, ctx: BallArithmetic) -> None:
        super().__init__(problem, A0, ctx)
        self.w0, self.n = problem.matrix.trace, problem.matrix.shape[0]
        self.square = self.w0**2 / self.n

    def point(self, r: int) -> FactoredPoint:
        """The closed form at a rank."""
        size, R2 = flint.fmpq(r), flint.fmpq(self.n, r) - 1
        argument, expected = ORTHONORMAL, None
        if self.gram is not None:
            G = self.leading(r)
            size = _trace(G)
            if size == 0:
                raise BadInput("A0: expected leading rows that are not 0; nothing moves from 0")
            R2, argument = self.n * _trace(G * G) / size**2 - 1, TRACE
        if self.problem.start == "gaussian" and self.w0 != 0:
            expected = expected_squared_error("gaussian", self.n, r)
        ctx, zero = self.ctx, flint.fmpq(0)
        if self.w0 == 0:
            end = Limit(zero, None, None, True, "the start is stationary")
            return FactoredPoint(r, end, None, None, None)
        w0 = ctx.number(self.w0)
        rate = ctx.sqrt((self.factor * ctx.number(size)) ** 2 + 4 * w0 * w0) * self.clock
        bound = ctx.sqrt(ctx.number(flint.fmpq(self.n, r) - 1))
        error = bound if argument == ORTHONORMAL else ctx.sqrt(ctx.number(R2))
        return FactoredPoint(r, Limit(zero, None, rate, True, argument), error, bound, expected)


class _Frobenius(_Case):
    """The limit is the best approximation of rank r, where the start is shown to see it."""

    def __init__(self, problem: FactoredProblem, A0: Matrix | None, ctx: BallArithmetic) -> None:
        super().__init__(problem, A0, ctx)
        self.E, self.square = problem.matrix, problem.matrix.square
        self.levels = self.E.levels(4 * ctx.bits) if self.square != 0 else []
        self.seen = None
        if A0 is not None:
            V = flint.fmpq_mat(self.E.V.tolist())
            self.seen = flint.fmpq_mat(A0.tolist()) * V

    @property
    def squares(self) -> list[Any]:
        """sigma_i^2 with multiplicities, largest first."""
        return [x for x, k in self.levels for _ in range(k)]

    def point(self, r: int) -> FactoredPoint:
        """What a rank reaches, and the bound that none beats."""
        rest = self.squares[r:]
        tail = sum(rest, flint.fmpq(0))
        lean_on(ECKART_YOUNG_MIRSKY)
        if self.square == 0:
            why = ("the full-parameter update is 0: there is nothing to compare with",)
            end = Limit(flint.fmpq(0), None, None, True, "the loss is 0", reasons=why)
            return FactoredPoint(r, end, None, None, None)
        ratio = tail / self.square
        bound = ratio if ratio == 0 else self.ctx.sqrt(self.ctx.number(ratio))
        end = self._end(r, tail / 2)
        return FactoredPoint(r, end, None if end.loss is None else bound, bound, None)

    def _end(self, r: int, least: Any) -> Limit:
        cites = (ECKART_YOUNG_MIRSKY.name,)
        if self.seen is None:
            moving = self.squares[:r]
            rate = self.ctx.sqrt(self.factor**2 + 4 * moving[-1]) * self.clock
            return Limit(least, None, rate, True, ALIGNED, cites)
        G = self.leading(r)
        c = G[0, 0]
        if c == 0 or any(G[i, j] != (c if i == j else 0) for i in range(r) for j in range(r)):
            return Limit(None, None, None, False, OPEN, reasons=(OPEN,))
        return self._balanced(r, least, self.factor * self.ctx.number(c), cites)

    def _balanced(self, r: int, least: Any, square: Any, cites: tuple[str, ...]) -> Limit:
        ends = _ends(self.levels)
        if r not in ends:
            why = f"open: sigma_{r} = sigma_{r + 1} of E, or 0"
            return Limit(None, None, None, False, FROM_ZERO, reasons=(why,))
        last = ends.index(r)
        if not self._meets(list(range(last + 1)), r):
            why = "open: A0 may miss one of the leading directions of E (det(A0 V_r) = 0)"
            return Limit(None, None, None, False, FROM_ZERO, reasons=(why,))
        mu = [
            self.ctx.sqrt(x + square * square / 4) * self.clock
            for x in (*self.squares, self.ctx.number(0))[r - 1 : r + 1]
        ]
        coupled = last + 1 < len(self.levels) and self.levels[last][1] == 1
        if coupled and self._meets([*range(last), last + 1], r):
            return Limit(least, None, mu[0] - mu[1], True, FROM_ZERO, cites)
        known = (mu[0] - mu[1]).str(6, radius=False)
        why = f"the rate is at least {known}; more, if two eigenspaces are not coupled"
        return Limit(least, None, None, True, FROM_ZERO, cites, (why,), rate_bound=mu[0] - mu[1])

    def _meets(self, kept: list[int], r: int) -> bool:
        """Whether A0 surely sees r dimensions of the eigenspaces that are kept."""
        rows: Any = self.seen
        seen = flint.fmpq_mat(rows.tolist()[:r])
        for bits in PRECISIONS:
            with flint.ctx.workprec(bits):
                try:
                    levels = self.E.levels(bits)
                except Unavailable:
                    continue
                if sees_all(seen, self.E.onto(kept, levels), r):
                    return True
        return False


def _ends(levels: list[Level]) -> list[int]:
    ends, total = [], 0
    for _, k in levels:
        total += k
        ends.append(total)
    return ends


def _trace(G: flint.fmpq_mat) -> Any:
    return sum((G[i, i] for i in range(G.nrows())), flint.fmpq(0))
