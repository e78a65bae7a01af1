"""Claims that say less than they seem are named as such, and honest ones are not."""

import contextlib

import pytest

from lora_proofs import (
    Assumption,
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    at_least,
    at_most,
    equal,
    strategies,
    verify,
)
from lora_proofs.arithmetic import squared_norm
from lora_proofs.judging.shapes import follows_from_shapes, shape_of
from lora_proofs.language.budget import budget
from lora_proofs.language.limits import about_infinity
from lora_proofs.running.catalogue import load, shipped_claims
from lora_proofs.running.sampling import sample

SHAPES = "follows from the shapes alone"
COPIES = "the check compares nothing but what the assumption"
LEVEL = "both sides of every inequality are always equal"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


REGIMES = ("generic", "r = 1", "rank deficient")
INSTANCES = Instances(draw, REGIMES)


def never(instance, ctx):
    yield at_most("1 + ||W0||^2", 1 + squared_norm(instance.lift(ctx).W0), ctx.number(0))


def claim(check, assumptions=(), instances=INSTANCES):
    return Claim(
        name="tests/vacuity",
        source=Source("tests"),
        statement="x",
        assumptions=tuple(assumptions),
        instances=instances,
        check=check,
        controls=(Control(None, instances, why="nothing is below 0", check=never),),
    )


def sampled(check, assumptions=(), instances=INSTANCES):
    """What the sample stage alone finds: evidence and notes."""
    tally, stream = sample(claim(check, assumptions, instances), budget("quick"), 0)
    assert tally.refutation is None
    return tally.samples(stream), tally.notes


def noted(notes, sentence):
    return any(sentence in note for note in notes)


# What follows from shapes

INSTANCE = Instance(
    W0=[[1, 2, 0], [3, 4, 1]], B=[[1], [2]], A=[[3, 4, 5]], h="1/2", r=1, loss="frobenius"
)


def decided(compare):
    def check(instance, ctx):
        yield compare(instance.lift(ctx), instance, ctx)

    return follows_from_shapes(check, INSTANCE, ["c"])


@pytest.mark.parametrize(
    "compare",
    [
        lambda x, i, ctx: at_most("c", ctx.rank(x.B @ x.A), len(i.A)),
        lambda x, i, ctx: at_most("c", ctx.rank(x.B @ x.A), ctx.rank(x.A)),
        lambda x, i, ctx: at_most("c", ctx.rank(x.W0 + x.B @ x.A), ctx.rank(x.W0) + int(i.r)),
        lambda x, i, ctx: at_least("c", ctx.rank(x.W0 + x.B @ x.A), ctx.rank(x.W0) - 1),
        lambda x, i, ctx: at_most("c", 2 * ctx.rank(x.W0), 4),
        lambda x, i, ctx: equal("c", ctx.rank(x.W0.T), ctx.rank(-3 * x.W0)),
        lambda x, i, ctx: at_least("c", squared_norm(x.W0 - x.B @ x.A), ctx.number(0)),
        lambda x, i, ctx: at_least("c", ctx.rank(ctx.identity(3)), 3),
        lambda x, i, ctx: at_most("c", ctx.rank(x.W0[:1]), 1),
        lambda x, i, ctx: at_least("c", x.h**2, ctx.number(0)),
        lambda x, i, ctx: at_most("c", ctx.rank(x.A @ x.W0.T), 1),
        lambda x, i, ctx: at_least("c", *ctx.singular_values(x.W0)),
    ],
)
def test_what_follows_from_shapes_is_decided(compare):
    assert decided(compare)


@pytest.mark.parametrize(
    "compare",
    [
        lambda x, i, ctx: at_most("c", ctx.rank(x.B @ x.A), 0),
        lambda x, i, ctx: at_most("c", ctx.rank(x.W0 + x.B @ x.A), ctx.rank(x.W0)),
        lambda x, i, ctx: at_least("c", ctx.rank(x.W0), 1),
        lambda x, i, ctx: equal("c", ctx.rank(x.W0), 2),
        lambda x, i, ctx: at_most("c", squared_norm(x.B @ x.A), squared_norm(x.W0)),
        lambda x, i, ctx: equal("c", x.W0 + x.B @ x.A, x.W0),
        lambda x, i, ctx: at_most("c", x.h, ctx.number(1)),
        lambda x, i, ctx: at_least("c", squared_norm(x.W0) - 1, ctx.number(0)),
        lambda x, i, ctx: at_most("c", ctx.rank(x.B @ x.A - x.W0), ctx.rank(x.W0) - 1),
        lambda x, i, ctx: at_least("c", x.h**3, ctx.number(0)),
        lambda x, i, ctx: at_most("another label", 0, 1),
    ],
)
def test_what_does_not_follow_from_shapes_is_left_open(compare):
    assert not decided(compare)


@pytest.mark.parametrize(
    "look",
    [
        lambda x, i, ctx: i.A[0][0] > 2,
        lambda x, i, ctx: i.h == 1,
        lambda x, i, ctx: float(x.W0[0, 0]) > 0,
        lambda x, i, ctx: ctx.rank(x.A) == 1,
        lambda x, i, ctx: at_most("c", ctx.rank(x.A), 1).outcome == "holds",
        lambda x, i, ctx: len(repr(i)) > 3,
        lambda x, i, ctx: hasattr(x.W0, "determinant"),
        lambda x, i, ctx: bool(i.to_json()),
    ],
)
def test_a_check_that_looks_at_an_entry_decides_nothing(look):
    def check(instance, ctx):
        """It hides every error; what it looked at stays on record all the same."""
        with contextlib.suppress(BaseException):
            look(instance.lift(ctx), instance, ctx)
        yield at_most("c", 0, 1)

    assert not follows_from_shapes(check, INSTANCE, ["c"])


def test_shapes_leave_numbers_out():
    moved = INSTANCE.replace(h="1/3", A=[[0, 0, 1]])
    assert shape_of(moved) == shape_of(INSTANCE) != shape_of(INSTANCE.replace(A=[[0, 1]]))


def test_a_conclusion_that_follows_from_shapes_is_noted_and_not_blocked():
    def check(instance, ctx):
        x = instance.lift(ctx)
        yield at_most("rank BA", ctx.rank(x.B0 @ x.A0), len(instance.A0))

    result = verify(claim(check), budget="quick")
    assert result.verdict == "CERTIFIED"
    assert noted(result.to_dict()["notes"], SHAPES)
    assert noted(result.reasons, SHAPES)


# A check that depends on the shapes alone


def test_sides_of_shapes_alone_block():
    def check(instance, ctx):
        yield at_most("columns", ctx.number(len(instance.A0[0])), ctx.number(100))

    found, _ = sampled(check)
    assert found.shapes_alone and not found.constant


def test_ranks_that_the_draws_never_vary_do_not_block():
    def check(instance, ctx):
        W0 = instance.lift(ctx).W0
        yield at_most("rank", ctx.rank(W0), min(W0.shape))

    found, _ = sampled(check, instances=Instances(draw, ("generic",)))
    assert not found.shapes_alone


def test_a_whole_number_that_goes_with_the_shape_does_not_block():
    def drawn(source, regime):
        r = source.integer(1, 3)
        A = [[source.integer(-9, 9) for _ in range(3)] for _ in range(r)]
        return Instance(A=A, r=r)

    def check(instance, ctx):
        yield at_most("r", instance.lift(ctx).r, ctx.number(3))

    tally, stream = sample(
        Claim(
            name="tests/vacuity",
            source=Source("tests"),
            statement="x",
            assumptions=(),
            instances=Instances(drawn),
            check=check,
            controls=(Control(None, (Instance(A=[[1]], r=4),), why="4", check=check),),
        ),
        budget("quick"),
        0,
    )
    assert not tally.samples(stream).shapes_alone


# Assumptions that say it all, and sides that are equal


def small_update(instance, ctx):
    x = instance.lift(ctx)
    yield at_least("||W0||^2", 9 * squared_norm(x.W0) + 10**6, squared_norm(x.B0 @ x.A0))


SMALL = Assumption("small_update", "x", small_update, technical="for the test")


def test_a_check_that_repeats_an_assumption_is_noted():
    def check(instance, ctx):
        x = instance.lift(ctx)
        bound = 9 * squared_norm(x.W0) + 10**6
        yield at_most("by another name", squared_norm(x.B0 @ x.A0), bound)

    _, notes = sampled(check, (SMALL,))
    assert noted(notes, f"{COPIES} 'small_update' compares")


def test_a_check_that_says_as_much_only_on_the_draws_is_not():
    """The ranks agree wherever B0 is of full rank, as it is on every draw."""

    def rank_of_A(instance, ctx):
        yield equal("rank A", ctx.rank(instance.lift(ctx).A0), len(instance.A0))

    def check(instance, ctx):
        x = instance.lift(ctx)
        yield equal("rank BA", ctx.rank(x.B0 @ x.A0), len(instance.A0))

    full = Assumption("full", "x", rank_of_A, technical="for the test")
    _, notes = sampled(check, (full,), Instances(draw, ("generic",)))
    assert not noted(notes, COPIES)


def test_equal_sides_are_noted_where_nothing_else_is_possible():
    def check(instance, ctx):
        size = squared_norm(instance.lift(ctx).W0)
        yield at_most("x <= x", size, size)

    assert noted(sampled(check)[1], LEVEL)


def test_a_bound_that_is_met_on_every_draw_is_not_said_to_be_an_equation():
    """rank W0 = min(n, m) on generic draws; a rank can be lower."""

    def check(instance, ctx):
        W0 = instance.lift(ctx).W0
        yield at_most("rank", ctx.rank(W0), min(W0.shape))

    _, notes = sampled(check, instances=Instances(draw, ("generic",)))
    assert not noted(notes, LEVEL)


def test_a_whole_number_that_is_drawn_tight_is_no_equation():
    def drawn(source, regime):
        k = source.integer(1, 9)
        return Instance(A=[[k, source.integer(1, 9)]], k=1)

    def check(instance, ctx):
        x = instance.lift(ctx)
        yield at_least("k", x.k * squared_norm(x.A), squared_norm(x.A))

    controls = (Control(None, (Instance(A=[[1, 1]], k=0),), why="k = 0", check=check),)
    tight = Claim(
        name="tests/vacuity", source=Source("tests"), statement="x", assumptions=(),
        instances=Instances(drawn), check=check, controls=controls,
    )  # fmt: skip
    tally, _ = sample(tight, budget("quick"), 0)
    assert not noted(tally.notes, LEVEL)


@pytest.mark.parametrize("name", ["classical/balancedness", "zeng-lee/skip-connection-adapters"])
def test_shipped_claims_get_no_false_note(name):
    (entry,) = (e for e in shipped_claims() if e.name == name)
    tally, stream = sample(load(entry.locator), budget("quick"), 0)
    assert not any(noted(tally.notes, s) for s in (SHAPES, COPIES, LEVEL))
    assert not tally.samples(stream).shapes_alone


# Assumptions that draws do not meet


def step(relation, bound):
    def holds(instance, ctx):
        yield relation("h", instance.lift(ctx).h, ctx.number(bound))

    return holds


def steps(source, regime):
    return Instance(W0=[[source.integer(-3, 3)]], h=f"{source.integer(0, 15)}/16")


def assumed(**bounds):
    return [Assumption(n, "x", step(*b), technical="for the test") for n, b in bounds.items()]


def size(instance, ctx):
    yield at_least("||W0||^2", squared_norm(instance.lift(ctx).W0) + 1, ctx.number(0))


def test_a_reason_names_the_assumption_that_excludes_and_how_many_draws():
    assumptions = assumed(low=(at_most, "3/4"), high=(at_least, 0))
    result = verify(claim(size, assumptions, Instances(steps)), budget="quick")
    excluded = result.to_dict()["samples"]["excluded"]
    assert set(excluded) == {"low"}
    tried = [r for r in result.reasons if f"('low' excluded {excluded['low']})" in r]
    assert bool(tried) == (result.verdict == "INCONCLUSIVE")


def test_assumptions_that_contradict_each_other_are_named_with_both_bounds():
    assumptions = assumed(low=(at_most, "1/8"), high=(at_least, "1/4"), real=(at_least, -1))
    result = verify(claim(size, assumptions, Instances(steps)), budget="quick")
    (told,) = [r for r in result.reasons if "contradict each other" in r]
    assert "'high' and 'low'" in told
    assert "at most 1/8" in told and "at least 1/4" in told
    assert "'real'" not in told


def test_assumptions_that_never_held_together_are_not_called_contradictory():
    def odd(instance, ctx):
        yield equal("w", instance.lift(ctx).W0[0, 0], ctx.number(100))

    def even(instance, ctx):
        yield equal("h", instance.lift(ctx).h, ctx.number("1/16"))

    pair = [Assumption(n, "x", f, technical="for the test") for n, f in (("w", odd), ("h", even))]
    result = verify(claim(size, pair, Instances(steps)), budget="quick")
    assert not [r for r in result.reasons if "contradict" in r]
    assert "vacuous: the assumptions held on none of 90 draws ('w' excluded 90" in "".join(
        result.reasons
    )


# Limits

INFINITE = (
    r"\lim_{t\to\infty} W(t) = Y", r"$W(t) \to Y$ as $t \to +\infty$", "as t goes to infinity",
    "as t -> inf", "at t=inf", "t = ∞", "the loss is eventually 0", "in the limit W = Y",
    r"\lim W(t) = Y", r"\lim_t W(t) = Y", r"W(\infty) = Y", r"W_\infty = Y", r"$B_{\infty} = 0$",
    "the flow converges to Y", "the loss tends to 0", "for sufficiently large $t$", "for large t",
    r"k \rightarrow \infty", r"t \longrightarrow \infty", "after infinitely many steps",
    r"\lim\limits_{k\to\infty}", r"t{\to}\infty", r"t\to{\infty}", "in the infinite time limit",
    "as time approaches infinity", "asymptotically equal", "if t is large enough",
    r"$W_k \to Y$", r"$\|W_t - Y\| \to 0$", "W(t) --> Y", "W(t) tends towards $Y$",
    "W(t) approaches $Y$", "as $t$ grows", "as t increases without bound", r"$W^\infty = Y$",
    "gradient flow converges", r"$L(W(t)) \downarrow 0$", r"$\lim_n W_n$", "L decays to zero",
    r"for $t \gg 1$", r"there is $T$ such that for all $t \ge T$",
)  # fmt: skip
FINITE = (
    r"\|x\|_\infty \le 1", r"\|x\|_{\infty}", r"\lVert X\rVert_\infty", r"[0,\infty)",
    r"T < \infty", r"\ell_\infty", r"L_\infty", r"\lim_{h\to 0} W_h", "large steps",
    r"as $h \to 0$ the iterates converge to the flow", "sufficiently small h",
    "at $t=1$ the state tends to be smaller", r"the map $(t) \to W(t)$ is smooth",
    r"asymptotically in $h$", r"the $A_\infty$ norm", r"$f(t) \to f(t+h)$", r"in $C^\infty$",
    r"\sum_{k=0}^\infty 2^{-k} = 2", "in the limit of small h", r"W(t) = e^{tG} W(0)",
)  # fmt: skip


@pytest.mark.parametrize("statement", INFINITE)
def test_a_limit_at_infinity_is_seen_however_it_is_spelled(statement):
    assert about_infinity(statement)


@pytest.mark.parametrize("statement", FINITE)
def test_what_is_no_limit_at_infinity_is_left_alone(statement):
    assert not about_infinity(statement)


def test_a_whole_number_that_varies_is_part_of_what_a_conclusion_follows_from():
    def rank_one(source, regime):
        X = strategies.rank_matrix(source, 2, 3, 1)
        return Instance(X=X, k=source.integer(1, 2))

    def bound(instance, ctx):
        yield at_most("rank", ctx.rank(instance.lift(ctx).X), ctx.number(instance.k))

    _, notes = sampled(bound, instances=Instances(rank_one))
    assert not any(SHAPES in note for note in notes)


def test_a_label_compares_nothing():
    def labelled(instance, ctx):
        yield at_most(f"one against two {instance.W0}", 1, 2)

    found, _ = sampled(labelled)
    assert found.constant
