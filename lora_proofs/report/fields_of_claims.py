"""What fields of instances mean in single claims, where it is something of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

Said = Mapping[str, str]

_ORBIT = {
    "y": r"$e^\tau$ at the point of the orbit that is looked at",
    "s": "first of the two times that are compared",
    "k": "which singular value is looked at; for norms it does not matter",
}
_COLUMN = {"x": "column that all columns of the input $X$ are equal to"}
_LAYERS = {
    **{f"W{k}": f"frozen weight $W_{k}$ of layer {k}" for k in (1, 2, 3)},
    **{f"A{k}": f"right factor $A_{k}$ of layer {k}" for k in (1, 2, 3)},
    **{f"B{k}": f"left factor $B_{k}$ of layer {k}" for k in (1, 2, 3)},
}
_INPUTS = {"X": "inputs, one in each column"}
_TWO_POINTS = {"X1": "first point where slopes are compared", "X2": "second one"}
_AXES = {
    "w": r"diagonal of the frozen weight $W$",
    "t": r"diagonal of the target $\bar W$",
    "rho": r"the inputs are the points $\pm \rho e_i$, each as likely",
}
_BASES = {
    "U": "left singular vectors of $E = Y - W_0$, one in each column",
    "V": "right singular vectors of $E$",
    "Q": "orthogonal matrix that turns the rank indices of the start",
    "sigma": "singular values of $E$, in the order of those vectors",
}
_SPECTRUM = {
    "U": "left singular vectors of $E$, one in each column",
    "V": "right singular vectors of $E$",
}
_TIE = {
    **_BASES,
    "direction": r"cosine and sine of the angle by which the last direction is turned in the tie",
}
_DOUBLED = {
    "level": r"the value $\sigma$ of all singular values that are not 0",
    "double_E": "a second residual, with $2r$ singular values of that value",
    "double_U": "its left singular vectors",
    "double_V": "its right singular vectors",
    "double_values": "its singular values",
}
_HYPERBOLAS = {
    "y": r"$e^\tau$, by which $\cosh \tau$ and $\sinh \tau$ are rational",
    "v": r"$S/(1 + C)$, by which $C$ and $S$ are rational",
}
_CURVE = {"orbit": r"the points $e^\tau$ of the orbit that are looked at, the start first"}
_COVERED = {"C": "coordinates in the basis $Q$: the best approximation is $X = QC$"}
_SHARE = {
    "X": "direction in which $A$ is moved",
    "Z": "direction in which $B$ is moved",
    "part": r"step size as a part of $2/(\|A\|_F^2 + \|B\|_F^2)$",
}
_REACH = {
    "reach": r"$R$, how far the factors may go from the start",
    "s": "first of the two times",
}
_BALANCED = {
    "C": r"a root of $F$: $F = C^\top C$ is positive semidefinite",
    "D": "diagonal matrix of the start $A_0 = D V^\\top$, $B_0 = V D$",
    "F": "the frozen weight",
    "V": r"leading eigenvectors of $F$, one in each column",
}
_LAW = {"points": "values of a finite distribution"}
_TIES = {
    "U": "left singular vectors of the gap $E$, one in each column",
    "C": "root of the moment of the inputs, by which errors are weighted",
    "other": "other right singular vectors of the same $E$: turned inside the tie",
}
_WEIGHTED = {"axes": "right singular vectors of the gap $E$ itself, largest singular value first"}
_SCALARS = {"points": "the points $a$ of the line that are looked at, the start first"}

_RUNS = ("gradient-flow-limit", "bound-between-orders", "interpolants", "limit-bound")
_RELU = ("general-partition-exact", "multi-layer-exact", "parameter-lower-bound", "random-weights")
_BELOW = ("below-threshold", "narrower-target", "random-weights", "singular-target", "threshold")
_ON_ORBITS = ("singular-values-grow", "rank-conserved", "norm-bound-from-zero")
_ON_AXES = ("one-layer-relu-error", "one-layer-relu-error-frobenius", "multi-layer-error-frobenius")
_IN_BASES = ("frobenius-critical-points", "naive/update-approximates-w0",
             "naive/spectral-start-any-direction")  # fmt: skip
_OF_THE_GAP = ("linear-lower-bound", "linear-nonsingular-weights-suffice", "model-proximity",
               "linear-singular-weights", "monotone-in-rank")  # fmt: skip


def _each(paper: str, names: Iterable[str], said: Said) -> dict[str, Said]:
    return {f"{paper}/{name}": said for name in names}


_RUSHKA: dict[str, Said] = {
    "balancedness-under-weight-decay": {"decay": "rate of the weight decay"},
    "bounded-gradient": _REACH,
    "bounded-products": {"A1": r"the other right factor $\tilde A$", "B1": r"$\tilde B$"},
    "flow-existence": _REACH,
    "frobenius-critical-points": {
        **_BASES, "kept": "indices, from 0, of the singular directions that are learned; -1: none",
    },
    "frobenius-escape-rates": {"g": "the growth rate, an eigenvalue of the linearised flow"},
    "frobenius-full-parameter": {
        "V": "the state of the flow, $W_0$ at the start", "decay": r"$e^{-t}$",
    },
    "frobenius-riccati": {
        "XA": r"lower block of a point of the form $X N^{-1} X^\top$",
        "XB": "its upper block",
    },
    "frobenius-scalar-closed-form": _HYPERBOLAS,
    "frobenius-scalar-limits": _CURVE,
    "frobenius-ties": _TIE,
    "hoelder-in-time": {"eta_B": "how many times faster $B$ moves than $A$"},
    "kernel-of-iterates": {"U": r"left null vectors: $U^\top B_0 = 0$, one in each column"},
    "leading-error-equation": {
        "eA": "error of $A$ in units of the step size", "eB": "the same of $B$",
    },
    "limits-at-infinity": _SCALARS,
    "modified-loss": {"h": "step size"},
    "naive/almost-every-start-covers-zero-b": {"t": "time"},
    "naive/every-direction-met": _BASES,
    "naive/lipschitz-gradient-suffices": {
        **_SCALARS, "sign": "1 on the line $b = a$, -1 on the line $b = -a$",
    },
    "naive/spectral-start-reaches-zero": {**_BALANCED, **_ORBIT},
    "naive/tie-limit-is-unique": _TIE,
    "naive/zero-entry-does-no-harm": _BASES,
    "nuclear-norm-law": _SPECTRUM,
    "nuclear-norm-law-sharp": {**_SPECTRUM, **_DOUBLED},
    "rank-from-zero": {**_ORBIT, "R": r"$LR$ is the projector on the columns of $A_0$"},
    "rotation-equivariance": {"turn": "the orthogonal matrix $Q$"},
    "trace-squared-balanced-start": {**_BALANCED, **_ORBIT},
    "trace-squared-best-approximation": _COVERED,
    "trace-squared-closed-form": {**_HYPERBOLAS, "decay": r"$e^{-nt}$"},
    "trace-squared-error-lower-bound": _COVERED,
    "trace-squared-expected-error-general": {**_LAW, "w0": r"$\operatorname{tr} W_0$"},
    "trace-squared-expected-error-rademacher": _LAW,
    "trace-squared-full-parameter": {"decay": r"$e^{-nt}$"},
    "trace-squared-general-limit": {
        "y": r"$\sqrt{x_*} = e^{\tau_*}$ at the limit",
        "growth": r"$e^{\mu t}$ at the time $t$ that is looked at",
        "now": r"$e^\tau$ at the point of the orbit that is looked at",
    },
    "trace-squared-limit-from-zero-b": {
        "W0_mirror": "frozen weight of the mirror image, which starts from $A = 0$",
        "B0_mirror": "its left factor at time 0",
        "last": r"$e^{\tau_*}$ at the limit", "last_mirror": "the same of the mirror image",
        "now": r"$e^\tau$ at the point of the orbit that is looked at",
    },
    "trace-squared-linear-functional": _ORBIT,
    "trace-squared-normalisers": {"dW": r"the update $\Delta W$"},
    "trace-squared-pissa-start": {**_BALANCED, **_ORBIT, "F": "the frozen $W_0 - B_0 A_0$"},
    "trace-squared-sharpness": _SHARE,
    "trace-squared-step-factor": _SHARE,
    "trace-squared-zero-loss": {**_ORBIT, **_CURVE},
    "naive/same-limit-at-infinite-time": {"a0": "$a$ at the start", "b0": "$b$ at the start"},
}  # fmt: skip
_ZENG: dict[str, Said] = {
    "attention-scores-necessary": {
        "centre": "centre of the ball of the columns of the input", "radius": "its radius",
    },
    "linear-narrower-target": {"other": "matrix whose entries outside the block are kept"},
    "linear-truncation-ties": _TIES,
    "linear-weighted-input": _WEIGHTED,
    "monotone-in-rank": {**_SPECTRUM, "more": "the larger ranks that are compared"},
    "naive/closer-models-need-a-smaller-rank": {"farther": "weight of the target farther away"},
    "naive/transformer-threshold-necessary": {"X": "input, one token in each column"},
    "naive/truncation-is-always-optimal": _WEIGHTED,
    "naive/truncation-loss-is-unique": _TIES,
    "relu-bias-offsets": {
        "bbar": r"bias $\bar b$ of the target", "center": "centre of the ball or box of inputs",
        "radius": "radius of the ball of inputs", "half": "half widths of the box of inputs",
    },
    "transformer-normalised": {"X": "input, one token in each column"},
    "two-layer-target-straddling": _INPUTS,
}  # fmt: skip

OF_CLAIM: Final[Mapping[str, Said]] = {
    "classical/deep-balancedness/two-layers": _LAYERS,
    "classical/deep-balancedness/three-layers": _LAYERS,
    **_each("rushka-klabjan", _ON_ORBITS, _ORBIT),
    **_each("rushka-klabjan", _RUNS, _TWO_POINTS),
    **_each("rushka-klabjan", _IN_BASES, _BASES),
    **{f"rushka-klabjan/{name}": said for name, said in _RUSHKA.items()},
    **_each("zeng-lee", _OF_THE_GAP, _SPECTRUM),
    **_each("zeng-lee", _RELU, _INPUTS),
    **{f"zeng-lee/transformer-{name}": _COLUMN for name in _BELOW},
    **_each("zeng-lee", _ON_AXES, _AXES),
    **{f"zeng-lee/{name}": said for name, said in _ZENG.items()},
}
