"""Bounded sets of inputs, and what affine maps and ReLU layers do to them.

A region answers two questions in any arithmetic: how low a row of A x can be on it, and which
region holds its image under a ReLU layer. The lower bounds are exact values on a ball and on a
box; images are enclosures. Exact arithmetic takes a root that is irrational from above, by less
than one part in 2^64, so its bounds hold too; balls enclose; floats round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, squared_norm
from lora_proofs.arithmetic.exact import ExactArithmetic, fmpq
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.relu_network import relu

Vector = Any
"""n numbers of one arithmetic as an array (n,)."""
ROOT_BITS = 64


@dataclass(frozen=True)
class Ball:
    """The points x with |x - center|_2 <= radius."""

    center: Any
    radius: Any

    @property
    def dimension(self) -> int:
        """How many coordinates a point has."""
        return len(self.center)

    def lowest(self, A: Matrix, ctx: Arithmetic) -> Vector:
        """min A_i x for each row: A_i c - r ||A_i||_2.

        >>> from lora_proofs.arithmetic import EXACT
        >>> Ball([1, 1], 2).lowest(EXACT.matrix([[3, 4], [0, 1]]), EXACT).tolist()
        [-3, -1]
        """
        A = ctx.matrix(A)
        return A @ vector(self.center, ctx) - row_norms(A, ctx) * ctx.number(self.radius)

    def image(self, W: Matrix, b: Any, ctx: Arithmetic) -> Meet:
        """A region that holds ReLU(W x + b): around the image of the center, and in a box.

        ReLU moves no two points apart, so the radius is ||W||_2 times the radius; the box is exact.
        """
        W, b = ctx.matrix(W), vector(b, ctx)
        center = relu(W @ vector(self.center, ctx) + b)
        ball = Ball(center, norm_above(W, ctx) * ctx.number(self.radius))
        return Meet(ball, boxed_image(self, W, b, ctx))


@dataclass(frozen=True)
class Box:
    """The points x with lower <= x <= upper, entry by entry."""

    lower: Any
    upper: Any

    @property
    def dimension(self) -> int:
        """How many coordinates a point has."""
        return len(self.lower)

    def lowest(self, A: Matrix, ctx: Arithmetic) -> Vector:
        """min A_i x for each row: A_i c - sum_j |A_ij| h_j, with the center c and half widths h.

        >>> from lora_proofs.arithmetic import EXACT
        >>> Box([0, 0], [1, 2]).lowest(EXACT.matrix([[3, -4], [1, 1]]), EXACT).tolist()
        [-8, 0]
        """
        A, low, high = ctx.matrix(A), vector(self.lower, ctx), vector(self.upper, ctx)
        return (A @ (low + high) - abs(A) @ (high - low)) / 2

    def image(self, W: Matrix, b: Any, ctx: Arithmetic) -> Box:
        """The smallest box that holds ReLU(W x + b).

        >>> from lora_proofs.arithmetic import EXACT
        >>> found = Box([0], [1]).image([[2], [-1]], ["1/2", 0], EXACT)
        >>> found.lower.tolist(), found.upper.tolist()
        ([1/2, 0], [5/2, 0])
        """
        return boxed_image(self, ctx.matrix(W), vector(b, ctx), ctx)


@dataclass(frozen=True)
class Meet:
    """The points that are in a ball and in a box: what is known of a hidden layer over a ball."""

    ball: Ball
    box: Box

    @property
    def dimension(self) -> int:
        """How many coordinates a point has."""
        return self.box.dimension

    def lowest(self, A: Matrix, ctx: Arithmetic) -> Vector:
        """A lower bound of A_i x for each row: the better one of the ball's and the box's.

        >>> from lora_proofs.arithmetic import EXACT
        >>> both = Meet(Ball([0, 0], 1), Box([0, -2], [2, 2]))
        >>> both.lowest(EXACT.matrix([[1, 0], [0, 1]]), EXACT).tolist()
        [0, -1]
        """
        first, second = self.ball.lowest(A, ctx), self.box.lowest(A, ctx)
        return np.array([larger(x, y) for x, y in zip(first, second, strict=True)])

    def image(self, W: Matrix, b: Any, ctx: Arithmetic) -> Meet:
        """A region that holds ReLU(W x + b)."""
        image = self.ball.image(W, b, ctx)
        return Meet(image.ball, boxed_image(self, ctx.matrix(W), vector(b, ctx), ctx))


Region = Ball | Box | Meet


def highest(A: Matrix, region: Region, ctx: Arithmetic) -> Vector:
    """An upper bound of A_i x on a region for each row, exact where the lower one is.

    >>> from lora_proofs.arithmetic import EXACT
    >>> highest(EXACT.matrix([[3, -4]]), Box([0, 0], [1, 2]), EXACT).tolist()
    [3]
    """
    return -region.lowest(-ctx.matrix(A), ctx)


def boxed_image(region: Region, W: Matrix, b: Vector, ctx: Arithmetic) -> Box:
    """The box that the row bounds give for ReLU(W x + b) over a region.

    >>> from lora_proofs.arithmetic import EXACT
    >>> W, b = EXACT.matrix([[3, 4]]), EXACT.matrix([[-2]])[0]
    >>> found = boxed_image(Ball([0, 0], 1), W, b, EXACT)
    >>> found.lower.tolist(), found.upper.tolist()
    ([0], [3])
    """
    return Box(relu(region.lowest(W, ctx) + b), relu(highest(W, region, ctx) + b))


def vector(values: Any, ctx: Arithmetic) -> Vector:
    """Exact numbers, or numbers of the arithmetic, as a vector of it.

    >>> from lora_proofs.arithmetic import EXACT
    >>> vector([1, "1/2"], EXACT).tolist()
    [1, 1/2]
    """
    if isinstance(values, np.ndarray) and isinstance(ctx, ArrayArithmetic):
        return ctx.matrix(values[None] if values.dtype != object else [values])[0]
    return ctx.matrix([list(values)])[0]


def row_norms(A: Matrix, ctx: Arithmetic) -> Vector:
    """||A_i||_2 for each row; exact arithmetic rounds an irrational one upward.

    >>> from lora_proofs.arithmetic import EXACT
    >>> row_norms(EXACT.matrix([[3, 4], [0, 2]]), EXACT).tolist()
    [5, 2]
    """
    squares = (A * A).sum(axis=-1)
    if isinstance(ctx, ArrayArithmetic):
        return np.sqrt(squares)
    root = root_above if isinstance(ctx, ExactArithmetic) else ctx.sqrt
    return np.array([root(x) for x in squares] or [], dtype=object)


def norm_above(W: Matrix, ctx: Arithmetic) -> Scalar:
    """||W||_2; exact arithmetic gives a rational upper bound of it, a little above.

    >>> from lora_proofs.arithmetic import EXACT
    >>> above = norm_above(EXACT.matrix([[1, 1], [0, 1]]), EXACT)
    >>> bool(above * above - above > 1), float(above.p) / float(above.q)
    (True, 1.618033988749895)
    """
    if not isinstance(ctx, ExactArithmetic):
        return ctx.operator_norm(W) if W.size else ctx.number(0)
    if not squared_norm(W) != 0:
        return ctx.number(0)
    ball = BallArithmetic(30)
    with ball.working():
        return upper_end(ball.operator_norm(ball.matrix(W)))


def root_above(q: Any) -> flint.fmpq:
    """A rational number at or above the root of q >= 0, by less than one part in 2^64.

    The root itself where it is rational.

    >>> root_above(flint.fmpq(4, 9)), 0 < root_above(2) ** 2 - 2 < flint.fmpq(1, 10**18)
    (2/3, True)
    """
    x = fmpq(q)
    p, d = int(x.p) * int(x.q), int(x.q)  # sqrt(p/q) = sqrt(p q)/q
    if math.isqrt(p) ** 2 == p:
        return flint.fmpq(math.isqrt(p), d)
    shift = max(0, ROOT_BITS + 1 - p.bit_length() // 2)
    return flint.fmpq(math.isqrt(p << 2 * shift) + 1, d << shift)


def upper_end(x: flint.arb) -> flint.fmpq:
    """The upper end of a finite ball as an exact number.

    >>> upper_end(flint.arb(1)), bool(upper_end(flint.arb(1, 1)) >= 2)
    (1, True)
    """
    mantissa, exponent = x.upper().man_exp()
    return flint.fmpq(mantissa) * flint.fmpq(2) ** int(exponent)


def larger(x: Scalar, y: Scalar) -> Scalar:
    """The larger one of two numbers of one arithmetic; of balls an enclosure of it.

    >>> larger(1.5, 2.0), larger(flint.arb(1), flint.arb(2))
    (2.0, 2.00000000000000)
    """
    return x.max(y) if isinstance(x, flint.arb) else max(x, y)


def smaller(x: Scalar, y: Scalar) -> Scalar:
    """The smaller one of two numbers of one arithmetic; of balls an enclosure of it.

    >>> smaller(1.5, 2.0)
    1.5
    """
    return -larger(-x, -y)


def widened(region: Meet | Box, by: Vector, ctx: Arithmetic) -> Meet | Box:
    """A region that holds every nonnegative point that is within ``by``, entry by entry.

    >>> from lora_proofs.arithmetic import EXACT
    >>> found = widened(Box([1, 0], [2, 0]), EXACT.matrix([[2, 1]])[0], EXACT)
    >>> found.lower.tolist(), found.upper.tolist()
    ([0, 0], [4, 1])
    """
    if isinstance(region, Meet):
        far = row_norms(by[None, :], ctx)[0]
        ball = Ball(region.ball.center, ctx.number(region.ball.radius) + far)
        return Meet(ball, _wider(region.box, by, ctx))
    return _wider(region, by, ctx)


def _wider(box: Box, by: Vector, ctx: Arithmetic) -> Box:
    return Box(relu(vector(box.lower, ctx) - by), vector(box.upper, ctx) + by)


def checked_region(region: Ball | Box, dimension: int) -> Ball | Box:
    """A region with exact entries, of this dimension and not empty; ``BadInput`` otherwise.

    >>> checked_region(Box([0], ["1/2"]), 1).upper.tolist()
    [1/2]
    """
    if isinstance(region, Ball):
        center, radius = _exact("center", region.center, dimension), fmpq(region.radius)
        if radius < 0:
            raise BadInput(f"radius: expected a number that is 0 or more, got {radius}")
        return Ball(center, radius)
    lower = _exact("lower", region.lower, dimension)
    upper = _exact("upper", region.upper, dimension)
    for i, (low, high) in enumerate(zip(lower, upper, strict=True)):
        if low > high:
            raise BadInput(f"box: expected lower <= upper, got {low} > {high} in entry {i + 1}")
    return Box(lower, upper)


def _exact(name: str, values: Sequence[Any], dimension: int) -> Vector:
    if len(values) != dimension:
        raise BadInput(f"{name}: expected {dimension} numbers, one per input; got {len(values)}")
    out = np.empty(dimension, dtype=object)
    out[:] = [fmpq(x) for x in values]
    return out
