"""The closed form of the Frobenius flow with D = cI, evaluated, against the flow enclosed.

The two share nothing: one is a matrix exponential in balls, the other a Taylor enclosure of
A' = B'(E - BA), B' = (E - BA)A'. For r = 1 the factors themselves are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, squared_norm
from lora_proofs.claims.rushka_klabjan.frobenius import riccati
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import dyadic_matrix, rank_matrix

NEAR = Fraction(1, 10**24)
"""How large squared distances may be: the enclosure is asked for 14 digits."""
FIELDS = ("loss", "W0", "A0", "B0")


def draw(source: Draw, regime: str) -> Instance:
    """A start with D = cI and a short time."""
    whole = riccati.draw(source, regime)
    n, m = len(whole.W0), len(whole.W0[0])
    E = dyadic_matrix(source, n, m)
    if regime == riccati.DEFICIENT:
        E = rank_matrix(source, n, m, min(n, m) - 1)
    kept = {name: getattr(whole, name) for name in FIELDS}
    return Instance(regimes=(regime,), **kept, Y=E, t=ratio(source, 1, 4, 8))


INSTANCES = Instances(draw, riccati.REGIMES)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The form minus the flow at time t."""
    form, flow = closed(instance, instance.t, ctx), enclosed(instance)
    yield small("W of the form against W of the flow", form.W - flow.W)
    if form.A is not None and form.B is not None:
        yield small("A of the form against A of the flow, r = 1", form.A - flow.A)
        yield small("B of the form against B of the flow, r = 1", form.B - flow.B)


def closed(instance: Instance, t: Any, ctx: Arithmetic) -> Any:
    """The closed form."""
    x = instance
    return frobenius_riccati_closed_form(x.W0, x.Y, x.A0, x.B0, t, ctx)


def enclosed(instance: Instance) -> Any:
    """The flow in balls that surely hold."""
    x = instance
    return lora_field(frobenius(x.Y), x.W0, x.A0, x.B0).enclosure(x.t, digits=14)


def small(label: str, difference: Any) -> Comparison:
    """||difference||^2 against what the digits allow."""
    return at_most(label, squared_norm(difference), EXACT.number(NEAR))


def late(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The form at 2t: as if the loss were ||W - Y||^2 without 1/2."""
    yield small(
        "W of the form at 2t", closed(instance, 2 * instance.t, ctx).W - enclosed(instance).W
    )


def a_little_late(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The form at t (1 + 1e-10)."""
    t = instance.t * (1 + Fraction(1, 10**10))
    yield small("W of the form a little late", closed(instance, t, ctx).W - enclosed(instance).W)


def mean_diagonal(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The form of the start whose rows all have the mean length, for rows of other lengths."""
    x, r = instance, len(instance.A0)
    # A0 = diag(1, 2), B0 = 0: the mean of D is -5/2, which rows of squared length 5/2 have too.
    assert r == 2
    mean = x.replace(A0=[["1/2", "3/2"], ["3/2", "-1/2"]])
    yield small("W of the form with c the mean of D", closed(mean, x.t, ctx).W - enclosed(x).W)


MEAN = Instance(
    loss="frobenius",
    W0=[[0, 0], [0, 0]],
    Y=[[1, 0], [0, 1]],
    A0=[[1, 0], [0, 2]],
    B0=[[0, 0], [0, 0]],
    t="1/2",
)


scaled_identity = Assumption(
    "scaled_identity",
    r"$B_0^\top B_0 - A_0 A_0^\top = c I_r$",
    riccati.multiple_of_identity,
)

claim = Claim(
    name="rushka-klabjan/frobenius-riccati-closed-form",
    title="The closed form of the Frobenius flow meets the enclosed flow",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"For $f = \tfrac12\|W - Y\|_F^2$ and $B_0^\top B_0 - A_0 A_0^\top = c I_r$ the closed "
        r"form of the Riccati equation gives $W(t)$ of the LoRA gradient flow, and for $r = 1$ "
        r"also $[B; A^\top] = e^{Ft} Z_0 (1 + Z_0^\top \int_0^t e^{2Fs}ds\, Z_0)^{-1/2}$."
    ),
    assumptions=(scaled_identity,),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(
            scaled_identity,
            (MEAN,),
            "D is not a multiple of I, and rows of the mean length are taken",
            mean_diagonal,
        ),
        Control(None, INSTANCES, "the form at t (1 + 1e-10)", a_little_late),
        Control(None, INSTANCES, "the form at 2t, as for the loss without 1/2", late),
    ),
    arithmetics=("ball", "multiprecision"),
    note="Exact starts; distances of 1e-12 are seen, by two routes that share no code.",
)
