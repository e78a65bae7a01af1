"""The constants and symbols of the limit h -> 0: bounds on iterates and flow, and what follows.

Along iterates and flow up to time T: ||A||_2 <= RA, ||B||_2 <= RB, ||G||_2 <= M2, ||G||_F <= MF,
and the gradient is Lf-Lipschitz in the Frobenius norm.
"""

from __future__ import annotations

from dataclasses import dataclass

from lora_proofs.mathematics.notation import HALF, W0, Steps, f
from lora_proofs.mathematics.words import Named, Norm, Scalar, Symbol, Word

RA = Scalar("RA", nonnegative=True, latex="R_A")
RB = Scalar("RB", nonnegative=True, latex="R_B")
M2 = Scalar("M2", nonnegative=True, latex="M_2")
MF = Scalar("MF", nonnegative=True, latex="M_F")
Lf = Scalar("Lf", nonnegative=True, latex="L_f")
K = Scalar("K", nonnegative=True)
GROWTH = Scalar("e^(LT)", latex="e^{LT}")
ELAPSED = Scalar("s", nonnegative=True)

A_FLOW = Symbol("A(kh)", "r", "m")
B_FLOW = Symbol("B(kh)", "n", "r")
A_NEXT = Symbol("A(kh+h)", "r", "m")
B_NEXT = Symbol("B(kh+h)", "n", "r")
A_LATER = Symbol("A(kh+s)", "r", "m")
B_LATER = Symbol("B(kh+s)", "n", "r")

L = Named("L", M2 + Lf * (RA**2 + RB**2))
LOCAL = Named("LK/2", HALF * (L * K), latex=r"\tfrac12 LK")
C_SIM = Named("C_sim", LOCAL, latex=r"C_{\mathrm{sim}}")
C_AB = Named("C_AB", LOCAL + (M2 + RA * RB * Lf) * RB * MF, latex="C_{AB}")
C_BA = Named("C_BA", LOCAL + (M2 + RA * RB * Lf) * RA * MF, latex="C_{BA}")


@dataclass(frozen=True)
class Mode:
    """One order of the updates: its iterate at step k, the next one, and its constant C."""

    name: str
    A: Symbol
    B: Symbol
    constant: Word

    @property
    def steps(self) -> Steps:
        """One step from the iterate."""
        return Steps(self.A, self.B, W0, f.gradient)

    @property
    def next(self) -> tuple[Named, Named]:
        """The iterate after one step of this mode."""
        by_name = {
            "simultaneous": self.steps.simultaneous,
            "A-first": self.steps.a_first,
            "B-first": self.steps.b_first,
        }
        A, B = by_name[self.name]
        return named_next(self.A, A), named_next(self.B, B)


def named_next(symbol: Symbol, value: Word) -> Named:
    """A factor after the step: iterate k + 1 of an iterate k, else the symbol with a plus."""
    latex = symbol.latex.replace("_k^", "_{k+1}^", 1)
    plus = latex if latex != symbol.latex else rf"{{{latex}}}_{{+}}"
    return Named(f"{symbol.name}+", value, latex=plus)


def _mode(name: str, short: str, constant: Word) -> Mode:
    A = Symbol(f"A_{short}", "r", "m", latex=rf"A_k^{{\mathrm{{{short}}}}}")
    B = Symbol(f"B_{short}", "n", "r", latex=rf"B_k^{{\mathrm{{{short}}}}}")
    return Mode(name, A, B, constant)


MODES = (
    _mode("simultaneous", "sim", C_SIM),
    _mode("A-first", "AB", C_AB),
    _mode("B-first", "BA", C_BA),
)


def gradient_at(A: Symbol | Named, B: Symbol | Named) -> Word:
    """G at W0 + B A, displayed by the names of A and B."""
    latex = f"G({A.latex or A.name}, {B.latex or B.name})"
    return Named(f"G({A.name}, {B.name})", f.gradient(W0 + B @ A), latex)


def field(A: Symbol | Named, B: Symbol | Named) -> tuple[Word, Word]:
    """The vector field (-B'G, -G A')."""
    G = gradient_at(A, B)
    return -(B.T @ G), -(G @ A.T)


def frobenius(*blocks: Word) -> Word:
    """The Frobenius norm of blocks taken together."""
    return Norm("F", blocks)


def operator(X: Word) -> Word:
    """The operator norm."""
    return Norm("2", (X,))


def error(mode: Mode) -> Word:
    """The distance of the iterate from the flow at time kh, both factors together."""
    return frobenius(mode.A - A_FLOW, mode.B - B_FLOW)
