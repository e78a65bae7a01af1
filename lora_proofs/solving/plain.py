"""Scale and learning rates as a change of variables: every LoRA flow is a plain one.

With W = W0 + s BA and rates eta_A, eta_B put A~ = alpha A and B~ = beta B, where alpha beta = s
and alpha/beta = sqrt(eta_B/eta_A). Then B~ A~ = s BA, and (A~, B~) runs along the plain flow in
the time s sqrt(eta_A eta_B) t.
"""

from __future__ import annotations

from dataclasses import dataclass

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, scaled
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.errors import Unavailable
from lora_proofs.solving.problem import Problem


@dataclass(frozen=True, eq=False)
class PlainStart:
    """The start of the plain flow, and what leads back: A = A~/alpha, B = B~/beta, t = t~/clock."""

    A: Matrix
    B: Matrix
    alpha: Scalar
    beta: Scalar
    clock: Scalar

    def there(self, A: Matrix, B: Matrix, ctx: Arithmetic) -> tuple[Matrix, Matrix]:
        """The factors of the plain flow from those of the problem."""
        return scaled(ctx.number(self.alpha), A), scaled(ctx.number(self.beta), B)

    def back(self, A: Matrix, B: Matrix, ctx: Arithmetic) -> tuple[Matrix, Matrix]:
        """The factors of the problem from those of the plain flow."""
        one = ctx.number(1)
        return scaled(one / ctx.number(self.alpha), A), scaled(one / ctx.number(self.beta), B)


def is_transformable(problem: Problem) -> bool:
    """Whether both rates are positive; a factor that is frozen is no change of variables."""
    return problem.eta_A > 0 and problem.eta_B > 0


def plain_start(problem: Problem, ctx: Arithmetic) -> PlainStart:
    """The plain start, exact where the roots are rational and else in ``ctx``.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "trace-squared", "W0": [[1]], "A0": [[3]], "scale": 4, "t": 1})
    >>> start = plain_start(p, EXACT)
    >>> start.A[0, 0], start.alpha, start.beta, start.clock
    (6, 2, 2, 4)
    """
    try:
        return _transformed(problem, EXACT)
    except Unavailable:
        with ctx.working():
            return _transformed(problem, ctx)


def has_exact_start(problem: Problem) -> bool:
    """Whether the roots of the change of variables are rational."""
    try:
        _transformed(problem, EXACT)
    except Unavailable:
        return False
    return True


def _transformed(problem: Problem, ctx: Arithmetic) -> PlainStart:
    s = ctx.number(problem.scale)
    ratio = ctx.sqrt(ctx.number(problem.eta_B / problem.eta_A))
    alpha = ctx.sqrt(s * ratio)
    beta = s / alpha
    clock = s * ctx.sqrt(ctx.number(problem.eta_A * problem.eta_B))
    A, B = (ctx.matrix(X) for X in (problem.A0, problem.B0))
    return PlainStart(scaled(alpha, A), scaled(beta, B), alpha, beta, clock)
