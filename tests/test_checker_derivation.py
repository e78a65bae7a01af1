"""Identities and derivations: the checker takes true ones, and refuses everything near them."""

from __future__ import annotations

import json
import time

import pytest

from lora_proofs import checker
from lora_proofs.checker import Invalid, Malformed, check, digest_of

SQUARE = {name: ["n", "n"] for name in ("P", "Q", "R", "S")}
SYMBOLS = {
    **SQUARE, "A": ["r", "m"], "B": ["n", "r"], "X": ["n", "m"], "Y": ["n", "m"],
    "a": [], "b": [], "c": [], "t": [], "z": [],
}  # fmt: skip
WORLD = {
    "symbols": SYMBOLS,
    "symmetric": ["S"],
    "nonnegative": ["a", "b", "c"],
    "losses": {"f": ["n", "m"], "g": ["n", "m"]},
}
REFUSED = (Invalid, Malformed)


def sealed(kind, **told):
    told = {"format": "lora-proofs certificate", "version": 1, "kind": kind, "claim": None, **told}
    told["asserts"] = "a sentence"
    return json.loads(json.dumps({**told, "digest": digest_of(told)}))


def line(left, kind, right, by="algebra", of=((), ())):
    return {"says": [left, kind, right], "by": by, "of": list(of)}


def derivation(*lines, conclusion=None, assumptions=None, lemmas=None, **changes):
    conclusion = [x["says"] for x in lines if x["says"]][-1:] if conclusion is None else conclusion
    told = {"assumptions": assumptions or {}, "lemmas": lemmas or {}, **WORLD, **changes}
    return sealed("derivation", lines=list(lines), conclusion=conclusion, **told)


def granted(*relations, free=()):
    return {"given": {"statement": "it is so", "says": list(relations), "free": list(free)}}


def use(k, says, pairs=(), name="given"):
    return {"says": says, "by": "assumption", "of": [name, k, [list(p) for p in pairs]]}


def holds(certificate):
    """Whether a certificate is valid; what is refused is refused with a message."""
    try:
        check(certificate)
    except REFUSED as problem:
        assert str(problem)
        return False
    return True


def by_algebra(left, kind, right, **changes):
    return holds(derivation(line(left, kind, right), **changes))


def tr(*factors):
    return ["tr", ["*", *factors]]


def T(x):
    return ["'", x]


def minus(x, y):
    return ["+", x, ["*", -1, y]]


W = ["*", "B", "A"]
G = ["grad", "f", W]
FLOW = [["A", ["*", -1, T("B"), G]], ["B", ["*", -1, G, T("A")]]]
BALANCE = minus(["*", T("B"), "B"], ["*", "A", T("A")])

IDENTITIES = {
    "cyclic trace": (tr("P", "Q", "R"), tr("Q", "R", "P")),
    "transposed trace": (tr("P", "Q", "R"), tr(T("R"), T("Q"), T("P"))),
    "transposed product": (T(["*", "P", "Q"]), ["*", T("Q"), T("P")]),
    "symmetric symbol": (T("S"), "S"),
    "distributive": (["*", ["+", "P", "Q"], "R"], ["+", ["*", "P", "R"], ["*", "Q", "R"]]),
    "scalars commute": (["*", "t", "P", "z"], ["*", "z", "t", "P"]),
    "binomial": (
        ["^", 2, ["+", "t", 1]], ["+", ["^", 2, "t"], ["*", 2, "t"], 1]
    ),
    "trace of the identity": (["tr", ["identity", "n"]], ["size", "n"]),
    "identity": (["*", ["identity", "n"], "P"], "P"),
    "zero": (["+", "P", ["zero", "n", "n"]], "P"),
    "fraction": (["+", ["*", ["number", "1/3"], "t"], ["*", ["number", "2/3"], "t"]], "t"),
    "quotient by a dimension": (["*", ["size", "n"], ["^", -1, ["size", "n"]]], 1),
    "power zero": (["^", 0, "t"], 1),
    "squared norm": (["^", 2, ["norm", "F", "X"]], tr(T("X"), "X")),
    "norm of two blocks": (
        ["^", 2, ["norm", "F", "X", "P"]], ["+", tr(T("X"), "X"), tr("P", T("P"))]
    ),
    "fourth power": (["^", 4, ["norm", "F", "X"]], ["^", 2, tr(T("X"), "X")]),
    "third power": (
        ["^", 3, ["norm", "F", "X"]], ["*", ["norm", "F", "X"], tr(T("X"), "X")]
    ),
    "norm of a multiple": (["norm", "2", ["*", -3, "a", "X"]], ["*", 3, "a", ["norm", "2", "X"]]),
    "norm of a transpose": (["norm", "F", minus("X", "Y")], ["norm", "F", minus(T("Y"), T("X"))]),
    "norm of zero": (["norm", "F", minus("X", "X")], 0),
    "flow conserves the balance": (["d", BALANCE, FLOW], ["zero", "r", "r"]),
    "energy": (
        ["d", ["f", "f", W], FLOW],
        ["*", -1, ["+", tr(T(G), "B", T("B"), G), tr("A", T(G), G, T("A"))]],
    ),
    "second derivative of a loss": (
        ["d", ["grad", "f", "X"], [["X", ["*", 2, "Y"]]]], ["*", 2, ["grad", "f", "X", "Y"]]
    ),
    "directions commute": (["grad", "f", "X", "X", "Y"], ["grad", "f", "X", "Y", "X"]),
    "a direction is linear": (
        ["grad", "f", "X", minus("X", "Y")],
        minus(["grad", "f", "X", "X"], ["grad", "f", "X", "Y"]),
    ),
    "nested derivative": (["d", ["d", ["^", 3, "t"], [["t", 1]]], [["t", 1]]], ["*", 6, "t"]),
    "chain rule": (
        ["d", ["at", ["^", 2, "t"], [["t", ["^", 3, "z"]]]], [["z", 1]]], ["*", 6, ["^", 5, "z"]]
    ),
    "derivative at a point": (
        ["at", ["d", ["^", 3, "t"], [["t", "z"]]], [["t", 2]]], ["*", 12, "z"]
    ),
    "only what moves": (["at", ["d", ["*", "t", "z"], [["t", 1]]], [["z", 5]]], 5),
    "simultaneous": (["at", minus("t", "z"), [["t", "z"], ["z", "t"]]], minus("z", "t")),
    "gradient": (["gradient", tr(T("X"), "X"), "X", ["*", 2, "X"]], ["*", 2, "X"]),
    "gradient of a loss": (
        ["gradient", ["f", "f", W], "A", ["*", T("B"), G]], ["*", T("B"), ["grad", "f", W]]
    ),
}  # fmt: skip
FALSE = {
    "trace of a product": (tr("P", "Q"), ["*", ["tr", "P"], ["tr", "Q"]]),
    "factors do not commute": (["*", "P", "Q"], ["*", "Q", "P"]),
    "transpose keeps the order": (T(["*", "P", "Q"]), ["*", T("P"), T("Q")]),
    "another cycle": (tr("P", "Q", "R"), tr("P", "R", "Q")),
    "one transpose": (tr("P", "Q"), tr("P", T("Q"))),
    "not symmetric": (T("P"), "P"),
    "shapes": ("X", T("X")),
    "inner dimensions": (["*", "A", "B"], ["*", "A", "B"]),
    "trace of a rectangle": (["tr", "X"], ["tr", "X"]),
    "a scalar is no matrix": ("t", ["*", "t", ["identity", "n"]]),
    "a transposed scalar": (T("t"), "t"),
    "a power of a matrix": (["^", 2, "P"], ["*", "P", "P"]),
    "coefficient": (["*", 2, "P"], "P"),
    "two dimensions": (["size", "n"], ["size", "m"]),
    "two zeros": (["zero", "n", "m"], ["zero", "m", "n"]),
    "quotient by a scalar": (["*", "t", ["^", -1, "t"]], 1),
    "quotient by a sum": (["^", -1, ["+", ["size", "n"], 1]], ["^", -1, ["+", ["size", "n"], 1]]),
    "two norms": (["norm", "F", "X"], ["norm", "2", "X"]),
    "squared operator norm": (["^", 2, ["norm", "2", "X"]], tr(T("X"), "X")),
    "norms of identities": (["norm", "F", ["identity", "n"]], ["norm", "F", ["identity", "m"]]),
    "norm of a sum": (["norm", "F", ["+", "X", "Y"]], ["norm", "F", minus("X", "Y")]),
    "sign of a scalar": (["norm", "F", ["*", "t", "X"]], ["*", "t", ["norm", "F", "X"]]),
    "operator norm of blocks": (["norm", "2", "X", "Y"], ["norm", "2", "X", "Y"]),
    "unknown norm": (["norm", "1", "X"], ["norm", "1", "X"]),
    "derivative of a norm": (["d", ["norm", "F", "X"], [["X", "Y"]]], 0),
    "two points": (["f", "f", "X"], ["f", "f", "Y"]),
    "two losses": (["f", "f", "X"], ["f", "g", "X"]),
    "two names of losses": (["grad", "f", "X"], ["grad", "g", "X"]),
    "loss of another shape": (["f", "f", "P"], ["f", "f", "P"]),
    "balance with another sign": (
        ["d", ["+", ["*", T("B"), "B"], ["*", "A", T("A")]], FLOW], ["zero", "r", "r"]
    ),
    "rate of another shape": (["d", "A", [["A", "B"]]], "B"),
    "rate that is not symmetric": (["d", "S", [["S", "P"]]], "P"),
    "half a gradient": (["gradient", tr(T("X"), "X"), "X", "X"], "X"),
    "transposed gradient": (["gradient", tr("P", "Q"), "P", "Q"], "Q"),
    "gradient in a symmetric symbol": (
        ["gradient", ["tr", "S"], "S", ["identity", "n"]], ["identity", "n"]
    ),
    "gradient in a scalar": (["gradient", ["^", 2, "t"], "t", ["*", 2, "t"]], ["*", 2, "t"]),
    "value not symmetric": (["at", T("S"), [["S", "P"]]], T("P")),
    "derivative after the point": (["d", ["at", ["^", 2, "t"], [["t", 3]]], [["t", 1]]], 6),
}  # fmt: skip


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities_hold_for_all_shapes(name):
    assert by_algebra(IDENTITIES[name][0], "=", IDENTITIES[name][1])


@pytest.mark.parametrize("name", FALSE)
def test_false_identities_are_refused(name):
    assert not by_algebra(FALSE[name][0], "=", FALSE[name][1])


def fixed(left, right, sizes=(2, 3, 2), **changes):
    told = dict(zip("nmr", map(str, sizes), strict=True))
    text = json.dumps([[left, "=", right], WORLD])
    for name, size in told.items():
        for context in ('["size", "{}"]', '["identity", "{}"]'):
            text = text.replace(context.format(name), context.format(size))
    relation, world = json.loads(text)
    relation = swapped(relation, told)
    shapes = {k: [told.get(d, d) for d in v] for k, v in world["symbols"].items()}
    losses = {k: [told[d] for d in v] for k, v in world["losses"].items()}
    told = {**world, "symbols": shapes, "losses": losses, "relations": [relation], **changes}
    return holds(sealed("identity", **told))


def swapped(tree, sizes):
    """A tree with numbers for the dimensions of its zero matrices."""
    if isinstance(tree, list) and tree and tree[0] == "zero":
        return ["zero", *(sizes[d] for d in tree[1:])]
    return [swapped(x, sizes) for x in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("sizes", [(2, 2, 1), (2, 3, 2)])
@pytest.mark.parametrize("name", sorted(IDENTITIES.keys() - {"power zero"}))
def test_identities_hold_in_entries_at_fixed_shapes(name, sizes):
    assert fixed(*IDENTITIES[name], sizes=sizes)


@pytest.mark.parametrize(
    "name", sorted(FALSE.keys() - {"shapes", "two dimensions", "quotient by a sum"})
)
def test_false_identities_are_refused_in_entries(name):
    assert not fixed(*FALSE[name])


def test_small_shapes_may_satisfy_more_than_all_shapes_do():
    assert fixed(["*", "P", "Q"], ["*", "Q", "P"], sizes=(1, 1, 1))
    assert fixed(tr("P", "Q", "R", "S"), tr("S", "R", "Q", "P"), sizes=(1, 1, 1))


def test_an_identity_certificate_has_equations():
    assert not fixed("t", "t", relations=[])
    assert not fixed("t", "t", relations=[["t", "<=", "t"]])
    assert not fixed("t", "t", relations=[["t", "=", "t"], ["t", "=", "z"]])


# --- equations and inequalities in use -----------------------------------------------------------

EQUAL = ["P", "=", "Q"]
BELOW = ["t", "<=", "z"]
COEFFICIENT = ["*", 3, "z", ["*", "R", "?", T("R")]]


def with_equation(context, left, right, k=1, says=EQUAL):
    lines = (use(1, says), line(left, "=", right, of=([[k, context]], [])))
    return holds(derivation(*lines, assumptions=granted(says)))


@pytest.mark.parametrize(
    ("context", "left", "right"),
    [
        ("?", "P", "Q"),
        (T("?"), T("P"), T("Q")),
        (["*", -1, "?"], "Q", "P"),
        (COEFFICIENT, ["*", 3, "z", "R", "P", T("R")], ["*", 3, "z", "R", "Q", T("R")]),
        (tr("?", "R", T("?")), tr("P", "R", T("P")), tr("Q", "R", T("Q"))),
        (["norm", "2", "?"], ["norm", "2", "P"], ["norm", "2", "Q"]),
    ],
)
def test_an_equation_is_used_in_any_context(context, left, right):
    assert with_equation(context, left, right)
    assert not with_equation(["*", 2, context], left, right)
    assert not with_equation(context, left, ["*", 2, right])
    assert not with_equation(context, left, right, k=2)
    assert not with_equation(context, left, right, k=0)


def test_an_equation_is_not_used_inside_a_formal_derivative():
    says, rates = ["t", "=", 0], [["t", 1]]
    assert not with_equation(["d", "?", rates], 1, 0, says=says)
    assert not with_equation(["at", "?", [["t", 1]]], 1, 0, says=says)
    assert not with_equation(["gradient", tr("?"), "P", "?"], "P", "Q")


def test_the_hole_is_no_symbol():
    symbols = {**SYMBOLS, "?": []}
    assert not by_algebra("t", "=", "t", symbols=symbols)
    assert by_algebra("t", "=", "t")
    assert not by_algebra("?", "=", "?")


def with_inequality(factor, left, kind, right, squares=(), says=BELOW):
    lines = (use(1, says), line(left, kind, right, of=([[1, factor]], squares)))
    return holds(derivation(*lines, assumptions=granted(says)))


def test_an_inequality_is_used_beside_a_factor_that_is_not_negative():
    assert with_inequality(["*", 2, "a"], ["*", 2, "a", "t"], "<=", ["*", 2, "a", "z"])
    assert with_inequality(0, "t", "<=", "t")
    assert not with_inequality(["*", 2, "a"], ["*", 2, "a", "t"], "=", ["*", 2, "a", "z"])
    assert not with_inequality("t", ["*", "t", "t"], "<=", ["*", "t", "z"])
    assert not with_inequality(-1, "z", "<=", "t")
    assert not with_inequality(1, "z", "<=", "t")
    assert not with_inequality("?", ["*", "t", "t"], "<=", ["*", "z", "z"])


@pytest.mark.parametrize(
    "factor",
    [2, "a", ["size", "n"], ["^", -1, ["size", "n"]], ["norm", "F", "X"], ["^", 2, "t"],
     ["^", 3, "a"], ["number", "1/2"], ["*", ["norm", "2", "X"], "b"]],
)  # fmt: skip
def test_factors_that_are_not_negative(factor):
    assert with_inequality(factor, ["*", factor, "t"], "<=", ["*", factor, "z"])


@pytest.mark.parametrize(
    "factor", [-2, "t", ["tr", "P"], ["^", 3, "t"], minus("a", "b"), "S", ["f", "f", "X"]]
)
def test_factors_that_may_be_negative(factor):
    assert not with_inequality(factor, ["*", factor, "t"], "<=", ["*", factor, "z"])


def squares(left, right, *pairs, kind="<="):
    return holds(derivation(line(left, kind, right, of=([], pairs))))


def test_a_sum_of_squares_with_factors_that_are_not_negative():
    mean = ["*", ["number", "1/2"], ["+", ["^", 2, "t"], ["^", 2, "z"]]]
    half = ["number", "1/2"]
    assert squares(["*", "t", "z"], mean, [half, minus("t", "z")])
    assert squares("b", ["+", "b", "a"], ["a", 1])
    assert not squares(["*", "t", "z"], mean, [1, minus("t", "z")])
    assert not squares(mean, ["*", "t", "z"], [["number", "-1/2"], minus("t", "z")])
    assert not squares("b", ["+", "b", "t"], ["t", 1])
    assert not squares("t", "t", [0, 1], kind="=")
    assert squares("t", "t")


def test_a_root_is_taken_of_squares_in_order():
    squared = [["^", 2, "t"], "<=", ["^", 2, "a"]]
    given = granted(squared, [["^", 2, "t"], "<=", ["^", 2, "z"]], ["t", "=", "a"])
    anchor = line("z", "=", "z")

    def root(says, left, kind, right, k=1):
        lines = (
            use(says, given["given"]["says"][says - 1]),
            anchor,
            line(left, kind, right, "root", [k]),
        )
        return holds(derivation(*lines, assumptions=given))

    assert root(1, "t", "<=", "a")
    assert root(1, ["*", -1, "t"], "<=", "a")
    assert not root(1, "a", "<=", "t")
    assert not root(1, "t", "=", "a")
    assert not root(1, "t", "<=", ["*", 2, "a"])
    assert not root(2, "t", "<=", "z")
    assert not root(1, "t", "<=", "a", k=3)
    assert not root(3, "t", "<=", "a")


# --- inequalities by name ------------------------------------------------------------------------


def F(*blocks):
    return ["norm", "F", *blocks]


def two(x):
    return ["norm", "2", x]


def named(by, left, right, *of):
    lines = (line(left, "<=", right, by, of), line(0, "=", 0))
    return holds(derivation(*lines, conclusion=[[left, "<=", right]]))


def test_triangle():
    both = ["+", F("X"), F("Y")]
    assert named("triangle", F(["+", "X", "Y"]), both, "F", [1, "X"], [1, "Y"])
    assert named("triangle", F(minus("X", "Y")), both, "F", [1, "X"], [1, ["*", -1, "Y"]])
    far = ["+", F("X", "P"), ["*", "a", F("Y", "Q")]]
    apart = F(["+", "X", ["*", "a", "Y"]], ["+", "P", ["*", "a", "Q"]])
    assert named("triangle", apart, far, "F", [1, "X", "P"], ["a", "Y", "Q"])
    assert not named("triangle", F(["+", "X", "Y"]), F("X"), "F", [1, "X"], [1, "Y"])
    assert not named("triangle", both, F(["+", "X", "Y"]), "F", [1, "X"], [1, "Y"])
    assert not named("triangle", F(["+", "X", "Y"]), both, "2", [1, "X"], [1, "Y"])
    negative = ["+", F("X"), ["*", -1, F("Y")]]
    assert not named("triangle", F(minus("X", "Y")), negative, "F", [1, "X"], [-1, "Y"])
    unsigned = ["+", F("X"), ["*", "t", F("Y")]]
    assert not named(
        "triangle", F(["+", "X", ["*", "t", "Y"]]), unsigned, "F", [1, "X"], ["t", "Y"]
    )


@pytest.mark.parametrize(
    ("kinds", "true"),
    [("F2F", 1), ("FF2", 1), ("FFF", 1), ("222", 1), ("2F2", 1), ("2FF", 1), ("F22", 0)],
)
def test_submultiplicative(kinds, true):
    whole, first, second = kinds
    right = ["*", ["norm", first, "B"], ["norm", second, "A"]]
    of = (whole, first, "B", second, "A")
    assert named("submultiplicative", ["norm", whole, W], right, *of) == bool(true)
    assert not named("submultiplicative", right, ["norm", whole, W], *of)
    assert not named("submultiplicative", ["norm", whole, ["*", 2, W]], right, *of)


def test_cauchy_schwarz():
    inner, norms = tr(T("X"), "Y"), ["*", F("X"), F("Y")]
    assert named("Cauchy-Schwarz", inner, norms, ["X", "Y"])
    assert not named("Cauchy-Schwarz", norms, inner, ["X", "Y"])
    assert not named("Cauchy-Schwarz", ["*", 2, inner], norms, ["X", "Y"])
    blocks = ["+", inner, tr(T("P"), "Q")], ["*", F("X", "P"), F("Y", "Q")]
    assert named("Cauchy-Schwarz", *blocks, ["X", "Y"], ["P", "Q"])
    assert not named("Cauchy-Schwarz", *blocks, ["X", "Y"], ["Q", "P"])
    square = ["^", 2, inner], ["*", tr(T("X"), "X"), tr(T("Y"), "Y")]
    assert named("squared Cauchy-Schwarz", *square, ["X", "Y"])
    assert not named("squared Cauchy-Schwarz", *square[::-1], ["X", "Y"])


def test_operator_norm_below_frobenius():
    assert named("operator below Frobenius", two("X"), F("X"), "X")
    assert not named("operator below Frobenius", F("X"), two("X"), "X")


def test_an_unknown_rule():
    assert not named("by inspection", 0, 1)


# --- assumptions, lemmas, conclusions ------------------------------------------------------------

TRIVIAL = line("z", "=", "z")


def assuming(says, k, stated, pairs=(), free=("P", "a")):
    lines = (use(k, says, pairs), TRIVIAL)
    told = granted(*stated, free=free)
    return holds(derivation(*lines, conclusion=[says], assumptions=told))


def test_an_assumption_is_used_as_it_is_stated():
    commute = [["*", "P", "Q"], "=", ["*", "Q", "P"]]
    turned = [["*", T("Q"), "Q"], "=", ["*", "Q", T("Q")]]
    assert assuming(commute, 1, [commute])
    assert assuming(turned, 1, [commute], [["P", T("Q")]])
    assert not assuming(turned, 1, [commute])
    assert not assuming(turned, 1, [commute], [["P", T("Q")]], free=["a"])
    assert not assuming(commute, 2, [commute])
    assert not assuming(commute, 0, [commute])
    assert assuming(commute, 2, [turned, commute])
    assert not assuming([["*", "P", "Q"], "=", ["*", "Q", T("P")]], 1, [commute])
    signed = ["a", "<=", "b"]
    assert assuming([["*", 2, "c"], "<=", "b"], 1, [signed], [["a", ["*", 2, "c"]]])
    assert not assuming(["t", "<=", "b"], 1, [signed], [["a", "t"]])
    assert not assuming(["a", "=", "b"], 1, [signed])
    assert not assuming(["P", "<=", "Q"], 1, [["P", "<=", "Q"]])
    assert not assuming(commute, 1, [commute], [["P", "X"]])


LEMMA = {
    "statement": "if t is at most z and it is so, then t^3 is at most z^3",
    "reference": "a book",
    "hypotheses": {"order": BELOW, "words": "it is so"},
    "conclusion": [["^", 3, "t"], "<=", ["^", 3, "z"]],
}


def citing(says, pairs, closed, first=("a", "<=", "b"), lemma=LEMMA):
    lines = (
        use(1, list(first)),
        TRIVIAL,
        {"says": says, "by": "lemma", "of": ["cubes", pairs, closed]},
    )
    told = granted(list(first))
    conclusion = [says] if says else [TRIVIAL["says"]]
    return derivation(*lines, conclusion=conclusion, assumptions=told, lemmas={"cubes": lemma})


CUBES = [["^", 3, "a"], "<=", ["^", 3, "b"]]
PUT = [["t", "a"], ["z", "b"]]


def test_a_lemma_is_used_as_it_is_stated():
    closed = {"order": 1, "words": "given"}
    assert holds(citing(CUBES, PUT, closed))
    assert holds(citing(CUBES, PUT, closed, first=("a", "=", "b")))
    assert holds(citing(CUBES, PUT, {"order": 1, "words": 2}))
    assert not holds(citing(CUBES, PUT, {"order": 2, "words": "given"}))
    assert not holds(citing(CUBES, PUT, {"order": 3, "words": "given"}))
    assert not holds(citing(CUBES, PUT, {"order": 1, "words": 3}))
    assert not holds(citing(CUBES, PUT, {"order": 1, "words": "another"}))
    assert not holds(citing(CUBES, PUT, {"order": 1}))
    assert not holds(citing(CUBES, PUT, {**closed, "more": 1}))
    assert not holds(citing(CUBES, [["t", "b"], ["z", "a"]], closed))
    assert not holds(citing([["^", 3, "b"], "<=", ["^", 3, "a"]], PUT, closed))
    assert not holds(citing(None, PUT, closed))
    assert holds(citing(None, PUT, closed, lemma={**LEMMA, "conclusion": None}))
    assert not holds(citing(CUBES, PUT, closed, lemma={**LEMMA, "conclusion": None}))
    backwards = {**LEMMA, "hypotheses": {"order": ["t", "=", "z"], "words": "it is so"}}
    assert not holds(citing(CUBES, PUT, closed, lemma=backwards))


def test_what_is_not_rechecked_is_printed():
    printed = check(citing(CUBES, PUT, {"order": 1, "words": "given"}))
    assert printed[:2] == ["valid: derivation", "says of itself, unchecked: a sentence"]
    assert "concluded: ^(3, a) <= ^(3, b), from assumption given, lemma cubes" in printed
    assert "checked: 1 of 3 lines are recomputed" in printed
    assert {"assumed: a >= 0", "assumed: b >= 0", "assumed: S is symmetric"} <= set(printed)
    assert "assumed: given: a <= b, in its words: it is so" in printed
    (lemma,) = (x for x in printed if x.startswith("trusted: lemma: cubes (a book)"))
    assert lemma.endswith("As it is used: t <= z => ^(3, t) <= ^(3, z)")
    assert "trusted: it is so <- assumption given: it is so" in printed
    by_line = check(citing(CUBES, PUT, {"order": 1, "words": 2}))
    assert "trusted: it is so <- line 2: z = z" in by_line
    norm = derivation(line(two("X"), "<=", F("X"), "operator below Frobenius", ["X"]), TRIVIAL)
    assert "trusted: inequality: operator below Frobenius" in check(norm)
    where = check(derivation(line(T("S"), "=", "S")))[3]
    assert where.startswith("where: A: r x m, B: n x r, P: n x n")
    assert "X: n x m, Y: n x m, a: a scalar" in where
    assert "f: a smooth loss of n x m" in where


def test_a_line_without_a_relation_cannot_be_used():
    lemma = {**LEMMA, "hypotheses": {}, "conclusion": None}
    silent = {"says": None, "by": "lemma", "of": ["cubes", [], {}]}
    used = line("t", "=", "t", of=([[1, "?"]], []))
    assert holds(derivation(silent, TRIVIAL, lemmas={"cubes": lemma}))
    assert not holds(derivation(silent, used, lemmas={"cubes": lemma}))
    assert not holds(derivation({**TRIVIAL, "says": None}, TRIVIAL))


def test_the_conclusion_is_a_line():
    lines = (line(tr("P", "Q"), "=", tr("Q", "P")), TRIVIAL)
    assert holds(derivation(*lines, conclusion=[[tr("Q", "P"), "=", tr("P", "Q")]]))
    assert not holds(derivation(*lines, conclusion=[[tr("P", "Q"), "=", 0]]))
    assert not holds(derivation(*lines, conclusion=[[tr("P", "Q"), "<=", tr("Q", "P")]]))
    assert not holds(derivation(*lines, conclusion=[]))
    assert not holds(derivation(conclusion=[["t", "=", "t"]]))


def test_something_is_recomputed():
    says = ["P", "=", "Q"]
    assert not holds(derivation(use(1, says), assumptions=granted(says)))
    assert holds(derivation(use(1, says), TRIVIAL, conclusion=[says], assumptions=granted(says)))


@pytest.mark.parametrize(
    "tree",
    [None, True, 1.5, {}, [], ["t"], ["no", "t"], [["+"], "t"], ["+"], ["*"], ["number", 0.5],
     ["number", "x"], ["'"], ["'", "P", "P"], ["^", "t", 2], ["^", 65, "t"], ["^", True, "t"],
     ["size", 3], ["identity", []], ["grad", "h", "X"], ["grad", "f"], ["d", "t"], ["at", "t", 3],
     ["at", "t", [["t"]]], ["at", "t", [["u", "t"]]], ["norm", ["F"], "X"], "unknown",
     ["gradient", "t", "u", "t"], ["f", "f", "X", "Y"], ["f", "X"]],
)  # fmt: skip
def test_what_is_no_expression_is_refused(tree):
    assert not by_algebra(tree, "=", tree)


@pytest.mark.parametrize(
    "says", [["t", "=", "t", "t"], ["t", "="], "t=t", [], ["t", "<", "t"], ["t", None, "t"], 3]
)
def test_what_is_no_relation_is_refused(says):
    assert not holds(derivation({"says": says, "by": "algebra", "of": [[], []]}, TRIVIAL))


@pytest.mark.parametrize("of", [[], [[]], [[], [], []], "ab", None, [[[1]], []], [[[1, "?"]], []]])
def test_what_is_no_witness_is_refused(of):
    assert not holds(derivation({"says": ["t", "=", "t"], "by": "algebra", "of": of}, TRIVIAL))


@pytest.mark.parametrize("key", ["lines", "conclusion", "symbols", "losses", "lemmas", "symmetric"])
def test_a_certificate_has_all_its_fields(key):
    told = derivation(TRIVIAL)
    del told[key]
    with pytest.raises(Malformed):
        check({**told, "digest": digest_of(told)})
    told = {**told, key: 7}
    with pytest.raises(Malformed):
        check({**told, "digest": digest_of(told)})


def test_what_would_take_for_ever_is_refused(monkeypatch):
    monkeypatch.setattr(checker, "WORK", 10_000_000)
    names = {f"x{k}": [] for k in range(12)}
    large = ["^", 30, ["+", *names]]
    with pytest.raises(Malformed, match="too long"):
        check(derivation(line(large, "=", large), symbols=names, symmetric=[], nonnegative=[]))


def test_nested_losses_stay_small():
    square = {"f": ["n", "n"]}
    tree = "P"
    for _ in range(15):
        tree = ["at", ["grad", "f", ["*", *(["P"] * 8)]], [["P", tree]]]
    started = time.monotonic()
    assert by_algebra(tree, "=", tree, losses=square)
    assert time.monotonic() - started < 5
