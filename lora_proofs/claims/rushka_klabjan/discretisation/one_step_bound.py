"""How far a sequential step is from the simultaneous one, with a Lipschitz gradient alone."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, squared_norm
from lora_proofs.claims.rushka_klabjan.discretisation import limit_proof as proof
from lora_proofs.claims.rushka_klabjan.discretisation import limit_runs as runs
from lora_proofs.claims.rushka_klabjan.discretisation.one_step import STEP_SIZES
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics import limit_constants as c
from lora_proofs.mathematics.flows import METHODS
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import frobenius
from lora_proofs.mathematics.notation import W0, f, h
from lora_proofs.mathematics.words import Relation, Word, word
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step

LABELS = {"A-first": "B after A-first minus simultaneous", "B-first": "A after B-first minus "
          "simultaneous"}  # fmt: skip
NONNEGATIVE = tuple(Relation(word(0), "<=", s) for s in (h, c.RA, c.RB, c.M2, c.MF, c.Lf))
# What is asked of the start, and of the factor that moves first.
POINTS = ("A-first", "B-first", "moved")
USED = tuple(
    relation
    for bounds in (proof.A_BOUNDS, proof.B_BOUNDS, proof.G2_BOUNDS, proof.GF_BOUNDS)
    for name, relation in bounds.items()
    if name in POINTS
)


def left(mode: c.Mode) -> Word:
    """What the late factor of a mode is off the simultaneous step, whose field it is."""
    F = c.field(mode.A, mode.B)
    if mode.name == "A-first":
        return frobenius(mode.next[1] - mode.B - h * F[1])
    return frobenius(mode.next[0] - mode.A - h * F[0])


def relations() -> Iterator[Relation]:
    """The bound of each sequential mode."""
    for mode, radius in ((proof.A_FIRST, c.RB), (proof.B_FIRST, c.RA)):
        right = h**2 * ((c.M2 + c.RA * c.RB * c.Lf) * radius * c.MF)
        yield Relation(left(mode), "<=", right, LABELS[mode.name])


CONCLUSION = tuple(relations())


def derive() -> Iterator[Step]:
    """The sequential defect of the limit proof, mode by mode."""
    ends = []
    for mode, wanted in zip((proof.A_FIRST, proof.B_FIRST), CONCLUSION, strict=True):
        *steps, end = proof.sequential_defect(mode)
        yield from steps
        assert end.relation is not None
        ends.append(proof.combined(wanted.left, wanted.right, "collect", *end.uses,
                                   label=wanted.label))  # fmt: skip
    yield from ends


def draw(source: Draw, regime: str) -> Instance:
    """A problem with constants just above what its point needs."""
    loss, kind = regime.split(", ", 1)
    problem = lora_problem(source, kind, loss=loss, largest=3, h=source.choice(STEP_SIZES))
    return with_constants(problem.replace(regimes=(regime,)))


def with_constants(instance: Instance) -> Instance:
    """Constants that hold at the start and at the moved factors, in eighths."""
    x, loss = instance.lift(EXACT), runs.problem_loss(instance, EXACT)
    if instance.loss == "log-cosh":
        # |tanh| <= 1, entry by entry.
        slope = runs.up(len(instance.W0) * len(instance.W0[0]))
        far = Fraction(slope)
    else:
        slope = far = above(squared_norm(loss.gradient(x.W0 + x.B0 @ x.A0, EXACT)))
    start_A, start_B = above(squared_norm(x.A0)), above(squared_norm(x.B0))
    radii = {"RA": start_A + instance.h * start_B * far, "RB": start_B + instance.h * far * start_A}
    smooth = loss.lipschitz(len(instance.W0), len(instance.W0[0]))
    return instance.replace(**radii, M2=slope, MF=slope, Lf=smooth)


def above(square: Any) -> Fraction:
    """A number surely above a root: balls cannot tell a bound that is met exactly."""
    return runs.up(square) + Fraction(1, 8)


LOSSES = ("frobenius", "trace-squared", "log-cosh")
KINDS = ("generic", "zero B0", "zero A0", "r > min(n, m)")
INSTANCES = Instances(draw, tuple(f"{loss}, {kind}" for loss in LOSSES for kind in KINDS))


def bounded(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bounds at (A, B), and of the factors that move first."""
    x, loss = instance.lift(ctx), runs.problem_loss(instance, ctx)
    A1, B1 = METHODS["simultaneous"](loss, x.W0, x.A0, x.B0, x.h, ctx)
    G = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    for name, X, bound in (("A", x.A0, x.RA), ("A+", A1, x.RA), ("B", x.B0, x.RB),
                           ("B+", B1, x.RB), ("G", G, x.M2)):  # fmt: skip
        yield runs.norm_at_most(f"||{name}||_2", X, bound, ctx)
    yield at_most("||G||_F^2", squared_norm(G), x.MF**2)


def signs(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """No constant is negative."""
    for name in ("h", "RA", "RB", "M2", "MF", "Lf"):
        yield at_least(f"{name} >= 0", EXACT.number(getattr(instance, name)), 0)


bounded_point = Assumption(
    "bounded_iterates",
    r"$\|A\|_2, \|A_+\|_2 \le R_A$, $\|B\|_2, \|B_+\|_2 \le R_B$, $\|G\|_2 \le M_2$ and "
    r"$\|G\|_F \le M_F$ at the point that the step starts from",
    bounded,
    relations=USED,
)
lipschitz_gradient = Assumption(
    "lipschitz_gradient",
    r"$\|\nabla f(X) - \nabla f(Z)\|_F \le L_f \|X - Z\|_F$ between visited points",
    runs.lipschitz,
    relations=(proof.LIPSCHITZ_RELATION,),
    pattern=(proof.X, proof.Z),
)
constants = Assumption(
    "constants",
    r"$h, R_A, R_B, M_2, M_F, L_f \ge 0$",
    signs,
    technical="they name constants; any numbers that large serve",
    relations=NONNEGATIVE,
)


def differences(instance: Instance, ctx: Arithmetic) -> dict[str, Any]:
    """The norm of the late factor's difference from simultaneous, by mode."""
    x, loss = instance.lift(ctx), runs.problem_loss(instance, ctx)
    found = [step(loss, x.W0, x.A0, x.B0, x.h, ctx) for step in METHODS.values()]
    late_B, late_A = found[1][1] - found[0][1], found[2][0] - found[0][0]
    return {"A-first": ctx.frobenius_norm(late_B), "B-first": ctx.frobenius_norm(late_A)}


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both differences against their bounds."""
    yield from compared(instance, ctx, 1)


def compared(instance: Instance, ctx: Arithmetic, factor: Any) -> Iterator[Comparison]:
    """Both differences against a multiple of their bounds."""
    x = instance.lift(ctx)
    for mode, size in differences(instance, ctx).items():
        radius = x.RB if mode == "A-first" else x.RA
        bound = x.h**2 * (x.M2 + x.RA * x.RB * x.Lf) * radius * x.MF
        yield at_most(LABELS[mode], size, bound * ctx.number(factor))


def hessian_lost(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound without the term of the moved gradient."""
    x = instance.lift(ctx)
    bound = x.h**2 * x.M2 * x.RB * x.MF
    yield at_most("the bound without RA RB Lf", differences(instance, ctx)["A-first"], bound)


def third_order(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A bound of third order in h."""
    x = instance.lift(ctx)
    bound = x.h**3 * (x.M2 + x.RA * x.RB * x.Lf) * x.RB * x.MF
    yield at_most("a bound of order h^3", differences(instance, ctx)["A-first"], bound)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Both modes start at (A0, B0)."""
    x = instance.lift(ctx)
    values: dict[Any, Any] = {W0: x.W0, f: runs.problem_loss(instance, ctx), h: x.h}
    for mode in (proof.A_FIRST, proof.B_FIRST):
        values[mode.A], values[mode.B] = x.A0, x.B0
    for symbol in (c.RA, c.RB, c.M2, c.MF, c.Lf):
        values[symbol] = getattr(x, symbol.name)
    return values


TIGHT = Instance(
    loss="frobenius", W0=[[0]], Y=[[0]], A0=[[1]], B0=[[1]], h="1/100", RA=1, RB=1, M2=1, MF=1, Lf=1
)  # fmt: skip
SMALL_RADII = TIGHT.replace(RA="1/2", RB="1/2")
HALVED = TIGHT.replace(Lf="1/2")
# A step so long that both factors change sign, and one where nothing moves: both sides are 0.
LONG = TIGHT.replace(Y=[["7/8"]], h=16, RA="9/8", RB="9/8", M2="1/8", MF="1/8")
STILL = TIGHT.replace(Y=[[1]], M2=0, MF=0)

claim = Claim(
    name="rushka-klabjan/one-step-bound",
    title="Sequential against simultaneous: a bound for one step",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"One step of size $h$ from $(A, B)$, with $\|A\|_2, \|A_+\|_2 \le R_A$, $\|B\|_2, "
        r"\|B_+\|_2 \le R_B$, $\|G\|_2 \le M_2$, $\|G\|_F \le M_F$ at $(A, B)$ and an "
        r"$L_f$-Lipschitz gradient: $\|B_+^{AB} - B_+^{\mathrm{sim}}\|_F \le h^2(M_2 + "
        r"R_AR_BL_f)R_BM_F$ "
        r"and $\|A_+^{BA} - A_+^{\mathrm{sim}}\|_F \le h^2(M_2 + R_AR_BL_f)R_AM_F$."
    ),
    assumptions=(bounded_point, lipschitz_gradient, constants),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(bounded_point, (SMALL_RADII,), "radii that the factors do not keep to"),
        Control(lipschitz_gradient, (HALVED,), "half the Lipschitz constant of the gradient"),
        Control(
            None,
            (TIGHT, LONG, STILL),
            "the term of the moved gradient is left out",
            hessian_lost,
        ),
        Control(None, (TIGHT,), "a bound of order h^3", third_order),
    ),
    arithmetics=("ball", "multiprecision"),
    note="No second derivative of the loss is needed. The bound is nearly met at n = m = r = 1.",
)
