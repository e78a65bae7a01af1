"""The proof that iterates of every order follow the gradient flow, step by step.

Field Lipschitz on visited points; the flow's own Euler defect; the sequential defect of one
step; the recursion of the error; discrete Gronwall.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.language.lemmas import calculus as lemmas
from lora_proofs.language.lemmas.calculus import (
    DISCRETE_GRONWALL,
    MEAN_VALUE,
    SQUEEZE,
    TAYLOR_REMAINDER,
)
from lora_proofs.mathematics import limit_constants as c
from lora_proofs.mathematics.limit_constants import frobenius, gradient_at, operator
from lora_proofs.mathematics.notation import W0, f, h
from lora_proofs.mathematics.words import Relation, Symbol, Word, word
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

X, Z = Symbol("X", "n", "m"), Symbol("Z", "n", "m")
BOUNDED, LIPSCHITZ = "bounded_iterates", "lipschitz_gradient"
CONSTANTS, HORIZON = "constants", "finite_horizon"

PAIRS = {
    "flow": (c.A_FLOW, c.B_FLOW),
    "later": (c.A_LATER, c.B_LATER),
    **{mode.name: (mode.A, mode.B) for mode in c.MODES},
}
A_FIRST, B_FIRST = c.MODES[1], c.MODES[2]
A_MOVED, B_MOVED = A_FIRST.next[0], B_FIRST.next[1]

# What the assumptions grant, for exactly the points that the proof visits.
A_BOUNDS = {name: Relation(operator(a), "<=", c.RA) for name, (a, _) in PAIRS.items()}
B_BOUNDS = {name: Relation(operator(b), "<=", c.RB) for name, (_, b) in PAIRS.items()}
A_BOUNDS["moved"] = Relation(operator(A_MOVED), "<=", c.RA)
B_BOUNDS["moved"] = Relation(operator(B_MOVED), "<=", c.RB)
G2_BOUNDS = {n: Relation(operator(gradient_at(*p)), "<=", c.M2) for n, p in PAIRS.items()}
GF_BOUNDS = {n: Relation(frobenius(gradient_at(*p)), "<=", c.MF) for n, p in PAIRS.items()}
VISITED = tuple(r for part in (A_BOUNDS, B_BOUNDS, G2_BOUNDS, GF_BOUNDS) for r in part.values())
LIPSCHITZ_RELATION = Relation(
    frobenius(f.gradient(X) - f.gradient(Z)), "<=", c.Lf * frobenius(X - Z)
)
SPEED_RELATION = Relation(c.MF**2 * (c.RA**2 + c.RB**2), "<=", c.K**2)


NONNEGATIVE = tuple(
    Relation(word(0), "<=", s) for s in (h, c.ELAPSED, c.RA, c.RB, c.M2, c.MF, c.Lf, c.K)
)


def conclusion() -> tuple[Relation, ...]:
    """L times the error at step k is at most C h (e^{LT} - 1), in every mode."""
    return tuple(
        Relation(
            c.L * c.error(mode),
            "<=",
            mode.constant * h * (c.GROWTH - 1),
            f"{mode.name}: error of step k",
        )
        for mode in c.MODES
    )


def bound(relations: dict[str, Relation], name: str, by: str) -> Step:
    """A bound that an assumption grants."""
    return assumed(by, relations[name], f"granted by {by}")


def product_bound(left: Word, x: Word, y: Word) -> Step:
    """||XY|| <= ||X|| ||Y||."""
    return inequality(left, x * y, "a product is bounded by its factors", rule="submultiplicative")


def lipschitz(x: Word, z: Word) -> Step:
    """||G(x) - G(z)|| <= Lf ||x - z||."""
    return assumed(
        LIPSCHITZ, LIPSCHITZ_RELATION, "the gradient is Lipschitz", substitution={X: x, Z: z}
    )


def combined(left: Word, right: Word, why: str, *uses: Step, label: str = "") -> Step:
    """left <= right by the steps in turn."""
    return inequality(left, right, why, rule="combine", uses=uses, label=label)


def weights_moved(one: str, two: str) -> Iterator[Step]:
    """||B A - B~ A~|| <= RA ||B - B~|| + RB ||A - A~||."""
    (a, b), (u, v) = PAIRS[one], PAIRS[two]
    left = frobenius(b @ a - v @ u)
    yield (
        split := inequality(
            left,
            frobenius((b - v) @ a) + frobenius(v @ (a - u)),
            "add and subtract B~A",
            rule="triangle",
        )
    )
    yield (first := product_bound(frobenius((b - v) @ a), frobenius(b - v), operator(a)))
    yield (second := product_bound(frobenius(v @ (a - u)), operator(v), frobenius(a - u)))
    yield (on_a := bound(A_BOUNDS, one, BOUNDED))
    yield (on_b := bound(B_BOUNDS, two, BOUNDED))
    right = c.RA * frobenius(b - v) + c.RB * frobenius(a - u)
    yield combined(left, right, "bound both products", split, first, second, on_a, on_b)


def component(one: str, two: str, factor: str, moved: Step) -> Iterator[Step]:
    """One component of the field: ||B'G - B~'G~|| or ||G A' - G~ A~'||."""
    (a, b), (u, v) = PAIRS[one], PAIRS[two]
    G, H = gradient_at(a, b), gradient_at(u, v)
    on_A = factor == "A"
    left = frobenius(b.T @ G - v.T @ H) if on_A else frobenius(G @ a.T - H @ u.T)
    near = (b - v).T @ G if on_A else G @ (a - u).T
    far = v.T @ (G - H) if on_A else (G - H) @ u.T
    change = frobenius(b - v) if on_A else frobenius(a - u)
    outer, limit = (operator(v), c.RB) if on_A else (operator(u), c.RA)
    yield (
        split := inequality(
            left,
            frobenius(near) + frobenius(far),
            "add and subtract one mixed term",
            rule="triangle",
        )
    )
    yield (first := product_bound(frobenius(near), change, operator(G)))
    yield (second := product_bound(frobenius(far), outer, frobenius(G - H)))
    yield (on_G := bound(G2_BOUNDS, one, BOUNDED))
    yield (on_outer := bound(B_BOUNDS if on_A else A_BOUNDS, two, BOUNDED))
    yield (smooth := lipschitz(W0 + b @ a, W0 + v @ u))
    right = c.M2 * change + limit * c.Lf * (c.RA * frobenius(b - v) + c.RB * frobenius(a - u))
    why = f"the component of {'A' if on_A else 'B'}"
    yield combined(left, right, why, split, first, second, on_G, on_outer, smooth, moved)


def field_lipschitz(one: str, two: str) -> Iterator[Step]:
    """||F - F~|| <= L ||theta - theta~|| between two visited points."""
    (a, b), (u, v) = PAIRS[one], PAIRS[two]
    F, E = c.field(a, b), c.field(u, v)
    moved_steps = list(weights_moved(one, two))
    yield from moved_steps
    in_A = list(component(one, two, "A", moved_steps[-1]))
    in_B = list(component(one, two, "B", moved_steps[-1]))
    yield from in_A
    yield from in_B
    left, distance = frobenius(F[0] - E[0], F[1] - E[1]), frobenius(a - u, b - v)
    x, y = frobenius(a - u), frobenius(b - v)
    yield (
        split := identity(
            left**2,
            frobenius(F[0] - E[0]) ** 2 + frobenius(F[1] - E[1]) ** 2,
            "Pythagoras over the blocks",
        )
    )
    yield (whole := identity(distance**2, x**2 + y**2, "Pythagoras over the blocks"))
    p, q = c.RB * x + c.RA * y, c.RB * y + c.RA * x
    bound_A, bound_B = c.M2 * y + c.RB * c.Lf * p, c.M2 * x + c.RA * c.Lf * p
    squares = bound_A**2 + bound_B**2
    yield (
        components := combined(left**2, squares, "bound both components", split, in_A[-1], in_B[-1])
    )
    cross = (
        (c.M2 * c.Lf, p - q),
        (c.M2 * c.Lf, c.RB * y - c.RA * x),
        (c.M2 * c.Lf, c.RB * x - c.RA * y),
        (c.Lf**2 * (c.RA**2 + c.RB**2), c.RB * y - c.RA * x),
    )
    top = c.L**2 * (x**2 + y**2)
    yield (
        algebra := inequality(
            squares, top, "the difference is a sum of squares", rule="sum of squares", squares=cross
        )
    )
    yield (squared := combined(left**2, c.L**2 * distance**2, "chain", components, algebra, whole))
    yield inequality(left, c.L * distance, "take roots", rule="square root", uses=(squared,))


def speed(name: str) -> Iterator[Step]:
    """||F|| <= K."""
    a, b = PAIRS[name]
    G, F = gradient_at(a, b), c.field(a, b)
    yield (
        split := identity(
            frobenius(*F) ** 2,
            frobenius(b.T @ G) ** 2 + frobenius(G @ a.T) ** 2,
            "Pythagoras over the blocks",
        )
    )
    yield (first := product_bound(frobenius(b.T @ G), operator(b), frobenius(G)))
    yield (second := product_bound(frobenius(G @ a.T), frobenius(G), operator(a)))
    uses = [split, first, second]
    for relations, by in ((A_BOUNDS, BOUNDED), (B_BOUNDS, BOUNDED), (GF_BOUNDS, BOUNDED)):
        yield (step := bound(relations, name, by))
        uses.append(step)
    yield (constant := assumed(CONSTANTS, SPEED_RELATION, "definition of K"))
    yield (squared := combined(frobenius(*F) ** 2, c.K**2, "bound both blocks", *uses, constant))
    yield inequality(frobenius(*F), c.K, "take roots", rule="square root", uses=(squared,))


def euler_defect() -> Iterator[Step]:
    """The flow leaves its tangent by at most L K h^2 / 2 in a step of length h."""
    fast = list(speed("later"))
    yield from fast
    F, late = c.field(c.A_FLOW, c.B_FLOW), c.field(c.A_LATER, c.B_LATER)
    point = dict(zip(lemmas.POINT, (c.A_FLOW, c.B_FLOW), strict=True))
    moved = dict(zip(lemmas.LATER, (c.A_LATER, c.B_LATER), strict=True))
    velocity = dict(zip(lemmas.LATER_VELOCITY, late, strict=True))
    yield (
        near := cited(
            MEAN_VALUE,
            "the flow moves at speed at most K",
            substitution={
                **point,
                **moved,
                **velocity,
                lemmas.SPEED: c.K,
                lemmas.ELAPSED: c.ELAPSED,
            },
            discharged_by={"speed": fast[-1], "solution": BOUNDED},
        )
    )
    steps = list(field_lipschitz("later", "flow"))
    yield from steps
    change = frobenius(late[0] - F[0], late[1] - F[1])
    top = c.L * c.K * c.ELAPSED
    yield (bent := combined(change, top, "the field along the flow", steps[-1], near))
    yield cited(
        TAYLOR_REMAINDER,
        "the derivative of the flow is Lipschitz in time",
        substitution={
            **point,
            **velocity,
            **dict(zip(lemmas.VELOCITY, F, strict=True)),
            **dict(zip(lemmas.NEXT, (c.A_NEXT, c.B_NEXT), strict=True)),
            lemmas.LIPSCHITZ_CONSTANT: c.L * c.K,
            lemmas.STEP: h,
            lemmas.ELAPSED: c.ELAPSED,
        },
        discharged_by={"derivative is Lipschitz": bent, "solution": BOUNDED},
    )


def sequential_defect(mode: c.Mode) -> Iterator[Step]:
    """One sequential step leaves the Euler step by at most h^2 (M2 + RA RB Lf) R MF."""
    A, B, on_A = mode.A, mode.B, mode is A_FIRST
    G, F = gradient_at(A, B), c.field(A, B)
    # The factor that moves first makes an Euler step exactly, so only the other block is left.
    if on_A:
        moved = gradient_at(A_MOVED, B)
        left = frobenius(mode.next[1] - B - h * F[1])
        near, far = G @ (G.T @ B), (G - moved) @ A_MOVED.T
        inside, other, fixed = frobenius(G.T @ B), operator(A_MOVED), operator(B)
        shifted, at = B @ (B.T @ G), W0 + B @ A_MOVED
        radius, sides = c.RB, (B_BOUNDS, A_BOUNDS)
    else:
        moved = gradient_at(A, B_MOVED)
        left = frobenius(mode.next[0] - A - h * F[0])
        near, far = (A @ G.T) @ G, B_MOVED.T @ (G - moved)
        inside, other, fixed = frobenius(A @ G.T), operator(B_MOVED), operator(A)
        shifted, at = (G @ A.T) @ A, W0 + B_MOVED @ A
        radius, sides = c.RA, (A_BOUNDS, B_BOUNDS)
    right = h**2 * frobenius(near) + h * frobenius(far)
    yield (split := inequality(left, right, "only the later factor differs", rule="triangle"))
    yield (one := product_bound(frobenius(near), operator(G), inside))
    yield (two := product_bound(inside, fixed, frobenius(G)))
    yield (three := product_bound(frobenius(far), other, frobenius(G - moved)))
    yield (smooth := lipschitz(W0 + B @ A, at))
    yield (four := product_bound(frobenius(shifted), fixed, inside))
    bounds = [
        bound(sides[0], mode.name, BOUNDED),
        bound(sides[1], "moved", BOUNDED),
        bound(G2_BOUNDS, mode.name, BOUNDED),
        bound(GF_BOUNDS, mode.name, BOUNDED),
    ]
    yield from bounds
    top = h**2 * ((c.M2 + c.RA * c.RB * c.Lf) * radius * c.MF)
    yield combined(left, top, "collect", split, one, three, smooth, four, two, *bounds)


def recursion(
    mode: c.Mode, lipschitz_step: Step, euler: Step, defect: tuple[Step, ...]
) -> Iterator[Step]:
    """e_{k+1} <= (1 + h L) e_k + C h^2, and Gronwall's bound."""
    new, F, E = mode.next, c.field(mode.A, mode.B), c.field(c.A_FLOW, c.B_FLOW)
    after = frobenius(new[0] - c.A_NEXT, new[1] - c.B_NEXT)
    own = (new[0] - mode.A - h * F[0], new[1] - mode.B - h * F[1])
    flow = (h * E[0] + c.A_FLOW - c.A_NEXT, h * E[1] + c.B_FLOW - c.B_NEXT)
    right = c.error(mode) + h * frobenius(F[0] - E[0], F[1] - E[1]) + frobenius(*flow)
    if defect:
        right = right + frobenius(*own)
    why = "error = old error + change of the field + defect of the step - defect of the flow"
    yield (split := inequality(after, right, why, rule="triangle"))
    bound_next = (1 + h * c.L) * c.error(mode) + mode.constant * h**2
    uses = (split, lipschitz_step, euler, *defect)
    yield (step := combined(after, bound_next, f"recursion, {mode.name}", *uses))
    start = frobenius(A_START - A_START, B_START - B_START)
    yield (zero := identity(start, 0, "both start at the same point"))
    yield cited(
        DISCRETE_GRONWALL,
        "the recursion, summed",
        substitution={
            lemmas.ERROR_NOW: c.error(mode),
            lemmas.ERROR_NEXT: after,
            lemmas.ERROR_START: start,
            lemmas.STEP: h,
            lemmas.RATE: c.L,
            lemmas.DEFECT: mode.constant,
            lemmas.GROWTH: c.GROWTH,
        },
        discharged_by={"start": zero, "recursion": step, "sequence": HORIZON},
        label=f"{mode.name}: error of step k",
    )


A_START, B_START = Symbol("A0", "r", "m", latex="A_0"), Symbol("B0", "n", "r", latex="B_0")


def derive() -> Iterator[Step]:
    """All steps, the three Gronwall bounds last."""
    euler = list(euler_defect())
    yield from euler
    ends: list[Step] = []
    for mode in c.MODES:
        field_steps = list(field_lipschitz(mode.name, "flow"))
        yield from field_steps
        defects: list[Step] = []
        if mode.name != "simultaneous":
            defects = list(sequential_defect(mode))
            yield from defects
        steps = list(recursion(mode, field_steps[-1], euler[-1], tuple(defects[-1:])))
        yield from steps[:-1]
        ends.append(steps[-1])
    yield from ends
    for mode, end in zip(c.MODES, ends, strict=True):
        slope = mode.constant * (c.GROWTH - 1)
        yield cited(
            SQUEEZE,
            "L times the error, L > 0; the bound is a constant times h, with T and all constants "
            "fixed",
            substitution={lemmas.SMALL: c.L * c.error(mode), lemmas.SLOPE: slope, lemmas.STEP: h},
            discharged_by={"bound": end, "uniform": BOUNDED},
        )
