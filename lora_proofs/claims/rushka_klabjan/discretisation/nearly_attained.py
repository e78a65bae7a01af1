"""Instances on which the bound between iterates and flow is nearly attained, or is 0.

Numbers far from Y: the gradient M is nearly constant, A'' = M^2 A and B'' = M^2 B. From B0 = 0 a
simultaneous step misses A by h^2 M^2 a/2 = h^2 L K/2 with K = M a, and so does an A-first one,
whose C_AB has RB M^2 to add, with a small RB; from A0 = 0 a B-first one. Errors of later steps add.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lora_proofs.claims.rushka_klabjan.discretisation.limit_runs import up
from lora_proofs.mathematics.instance import Instance

FAR = 10**8
INSTANT, MOMENT = Fraction(1, 10**19), Fraction(1, 10**12)


def far_from_target(a: Any, b: Any, time: Fraction, steps: int = 1) -> Instance:
    """W0 = 0 and Y = 10^8 from A0 = a, B0 = b, with constants that leave little room."""
    slope = Fraction(FAR - a * b)
    way = up(time * slope**2 / 2, grain=1000)
    RA, RB, M = abs(a) + way, abs(b) + way, slope + 1
    return Instance(
        loss="frobenius", W0=[[0]], Y=[[FAR]], A0=[[a]], B0=[[b]], T=time, h=time / steps,
        steps=steps, RA=RA, RB=RB, M2=M, MF=M, Lf=1, K=up(M**2 * (RA**2 + RB**2)),
    )  # fmt: skip


A_ALONE, B_ALONE = far_from_target(100, 0, INSTANT), far_from_target(0, 100, INSTANT)
LONG_A, LONG_B = far_from_target(1000, 0, MOMENT, 2), far_from_target(0, 1000, MOMENT, 2)
MANY_A, MANY_B = (
    far_from_target(a, b, INSTANT, 256) for a, b in ((Fraction(100), 0), (0, Fraction(100)))
)
REST = Instance(
    loss="trace-squared", W0=[[0]], A0=[[0]], B0=[[0]], T=1, h="1/2", steps=2,
    RA=0, RB=0, M2=1, MF=0, Lf=1, K=0,
)  # fmt: skip
SQUARE = Instance(
    loss="trace-squared", W0=[[1, 0], [0, 1]], A0=[[1, 2], [0, 1]], B0=[[1, 0], [3, 1]],
    T="1/1000000", h="1/2000000", steps=2, RA=5, RB=5, M2=15, MF=15, Lf=2, K=107,
)  # fmt: skip
