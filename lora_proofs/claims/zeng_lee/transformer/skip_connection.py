"""With a skip connection around attention the first layer has to be met too, up to its units.

H = X + O V X S, one block, one head, N >= 2; A = Wo W2, U = W1 O V, T = W1 + U, and the same with
bars for the target, Abar and Tbar nonsingular. Suppose the adapted model is the target for every X.

* Columns that are all x give A ReLU(T x + b1) + c = Abar ReLU(Tbar x + bbar1) + cbar. Both sides
  bend on hyperplanes, those of the target in D different ones, so the rows of T are multiples of
  permuted rows of Tbar; across each hyperplane the Jacobian jumps by |p_i| a_i tbar_i' in the
  target's direction, so Abar = A |P| with T = P Tbar; where no unit of the target is active its
  Jacobian is 0, that of the other side is the sum of a_i t_i' over the rows with p_i < 0, which are
  independent: there are none. So T = P Tbar, b1 = P bbar1 and Abar = A P, P a permutation with
  positive entries in place of its ones.
* For X = (x, y, ..., y), d = x - y small and all units active, the first columns are A(T x - (1-p)
  U d + b1) and the same with bars: (1 - p) A U d = (1 - pbar) Abar Ubar d. As d -> 0 both p tend to
  1/N: A U = Abar Ubar, so U = P Ubar, and W1 = T - U = P Wbar1.

So whatever adapters stand on Q, K, V, O, W2, Wo, and whatever the biases: without an adapter on W1,
equality needs W1 Wbar1^-1 to be a permutation with positive entries, here where Wbar1 is
nonsingular. With adapters on W1 the threshold theorem comes back (``with_first_layer``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    below,
    equal,
    squared_norm,
)
from lora_proofs.claims.zeng_lee.transformer.problem import changed, models, pair
from lora_proofs.constructions.transformer_gaps import exact_product
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import SKIP_FIRST_LAYER, lean_on
from lora_proofs.mathematics.transformer import (
    TransformerModel,
    identity_model,
    transformer_network,
)
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import orthogonal_matrix
from lora_proofs.strategies.transformers import nonsingular, transformer_model


def reading(model: TransformerModel) -> list[tuple[str, Any]]:
    """What a model of one block and one head with a skip connection does to its input."""
    block, head = model.blocks[0], model.blocks[0].heads[0]
    return [
        ("scores", exact_product(head.K.mT, head.Q)),
        ("values", exact_product(block.W1, head.O, head.V)),
        ("first layer", block.W1),
        ("first bias", block.b1),
        ("output", exact_product(model.Wo, block.W2)),
        ("last bias", exact_product(model.Wo, block.b2)),
    ]


def is_positive_permutation(P: Any) -> Iterator[Comparison]:
    """One positive entry in every row and column, zeros elsewhere, in a square matrix."""
    for name, rows in (("row", P), ("column", P.T)):
        for i, row in enumerate(rows, start=1):
            off = sum((abs(x * y) for x, y in combinations(row, 2)), EXACT.number(0))
            yield equal(f"products of two entries of {name} {i}", off, 0)
            yield below(f"0 against the sum of {name} {i}", 0, sum(row, EXACT.number(0)))
    for x in P.flat:
        yield at_least("an entry", x, 0)


def alive_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Wbar1, Wbar1 + Wbar1 Obar Vbar and Wbar_o Wbar2 are nonsingular; one block and head each."""
    for model in models(instance):
        yield equal("blocks and heads", len(model.blocks) * len(model.blocks[0].heads), 1)
    found = dict(reading(models(instance)[1]))
    D = models(instance)[1].width
    yield at_least("rank of the output", EXACT.rank(found["output"]), D)
    yield at_least("rank of W1", EXACT.rank(found["first layer"]), D)
    yield at_least("rank of W1 (I + OV)", EXACT.rank(found["first layer"] + found["values"]), D)


alive = Assumption(
    "alive",
    r"$\bar W_1$, $\bar W_1 (I + \bar O \bar V)$ and $\bar W_o \bar W_2$ are nonsingular",
    alive_holds,
    technical=(
        "the necessity needs it: W1 of a target whose output does not depend on X may be anything"
    ),
)


def quotient(instance: Instance) -> Any:
    """W1 Wbar1^-1 of the frozen W1."""
    frozen, target = models(instance)
    return exact_product(frozen.blocks[0].W1, EXACT.inverse(target.blocks[0].W1))


def untouched(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What equality needs of a W1 without an adapter, whatever the others are: proved above."""
    lean_on(SKIP_FIRST_LAYER)
    yield from is_positive_permutation(quotient(instance))


def draw(source: Draw, regime: str) -> Instance:
    """A frozen model whose W1 is that of the target, or has its rows permuted and scaled."""
    D = source.integer(2, 3)
    frozen, target = transformer_model(source, D, 1, 1), alive_model(source, D)
    P = EXACT.identity(D)
    if regime == "units permuted and scaled":
        scales = EXACT.matrix([[source.integer(1, 3)] for _ in range(D)])
        P = abs(orthogonal_matrix(source, D, dyadic=True)) * scales
    frozen = changed(frozen, (1, None, "W1"), P @ target.blocks[0].W1)
    return pair(frozen, target, D, regimes=(regime,))


def alive_model(source: Draw, D: int) -> TransformerModel:
    """A model with I + OV nonsingular: O V = M - I with M nonsingular."""
    target = transformer_model(source, D, 1, 1)
    target = changed(target, (1, 1, "V"), nonsingular(source, D) - EXACT.identity(D))
    return changed(target, (1, 1, "O"), EXACT.identity(D))


def permuted(instance: Instance) -> TransformerModel:
    """The adapted model without an adapter on W1 = P Wbar1: U = P Ubar, A = Abar P^-1."""
    frozen, target = models(instance)
    block, head = frozen.blocks[0], frozen.blocks[0].heads[0]
    theirs, other = target.blocks[0], target.blocks[0].heads[0]
    P = quotient(instance)
    back = EXACT.inverse(P)
    made = replace(block, heads=(replace(head, Q=other.Q, K=other.K, V=other.V, O=other.O),),
                   b1=P @ theirs.b1, W2=theirs.W2 @ back, b2=theirs.b2)  # fmt: skip
    return TransformerModel((made,), target.Wo)


def sufficient(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W1 kept: with U = P Ubar and A = Abar P^-1 the model is the target in permuted units."""
    yield from is_positive_permutation(quotient(instance))
    for name, ours, wanted in in_units(instance):
        yield equal(name, ours, wanted)


def in_units(instance: Instance) -> Iterator[tuple[str, Any, Any]]:
    """What the model without an adapter on W1 does, and the target in permuted units."""
    _, target = models(instance)
    P, ours = quotient(instance), dict(reading(permuted(instance)))
    for name, theirs in reading(target):
        inside = name in ("values", "first layer", "first bias")
        wanted = P @ theirs if inside else theirs
        if name == "output":
            wanted = theirs @ EXACT.inverse(P)
        yield name, ours[name], wanted


def positive_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W1 Wbar1^-1 is a permutation with positive entries."""
    yield from is_positive_permutation(quotient(instance))


units = Assumption(
    "first_layer",
    r"$W_1 \bar W_1^{-1}$ is a permutation matrix with positive entries in place of its ones",
    positive_holds,
)


TARGET = identity_model(2, blocks=1)
SHEARED = changed(TARGET, (1, None, "W1"), [[1, 1], [0, 1]])
TURNED = changed(TARGET, (1, None, "W1"), [[-1, 0], [0, 1]])
SWAPPED = changed(TARGET, (1, None, "W1"), [[0, 1], [1, 0]])
NEEDS = pair(SHEARED, TARGET, 2)


def draw_shear(source: Draw, regime: str) -> Instance:
    """Identities but for W1, which is sheared or has a row of the other sign."""
    k = source.integer(1, 4)
    W1 = [[1, k], [0, 1]] if regime == "sheared" else [[-k, 0], [0, 1]]
    return pair(changed(TARGET, (1, None, "W1"), W1), TARGET, 2, regimes=(regime,))


def only_in_order(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W1 = Wbar1, or the adapters that leave W1 as it is are off the target."""
    if (quotient(instance) == EXACT.identity(2)).all():
        yield equal("W1", quotient(instance), EXACT.identity(2))
        return
    off = sum((squared_norm(X - Y) for _, X, Y in in_units(instance)), EXACT.number(0))
    yield below("0 against the squared distance to the target", 0, off)


def any_sign(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Equality also for rows of the other sign: W1 = P Wbar1, P of either sign, for N = 1."""
    X = EXACT.matrix([[1], [2]])
    ours, theirs = (
        transformer_network(model, X, EXACT, skip=True)
        for model in (permuted(instance), models(instance)[1])
    )
    yield equal("the output at one column", ours, theirs)


first_layer = Claim(
    name="zeng-lee/skip-connection-first-layer",
    title="With a skip connection W1 has to be that of the target, up to units",
    source=Source("zeng-lee", "", "extension", "recalled"),
    statement=(
        r"One block, one head, $N \ge 2$, $H = X + W_O W_V X S$, all $X$; $\bar W_1$, $\bar W_1 (I "
        r"+ \bar O \bar V)$ and $\bar W_o \bar W_2$ nonsingular. Adapters of any rank on $W_Q, "
        r"W_K, W_V, W_O, W_2, W_o$ with all biases, and none on $W_1$, make the frozen transformer "
        r"equal to the target if and only if $W_1 \bar W_1^{-1}$ is a permutation matrix with "
        r"positive entries in place of its ones."
    ),
    assumptions=(alive, units),
    instances=Instances(draw, ("same first layer", "units permuted and scaled")),
    check=sufficient,
    kind="lower-bound",
    lower_bound=untouched,
    controls=(
        Control(units, (NEEDS,), "W1 sheared: no permutation, no adapters elsewhere help"),
        Control(units, (pair(TURNED, TARGET, 2),), "a row of W1 with the other sign"),
        Control(
            None,
            (pair(SWAPPED, TARGET, 2),),
            "W1 has to be that of the target, its rows in order",
            only_in_order,
        ),
    ),
    arithmetics=("exact",),
    note="The proof of the necessity is the docstring of the module; it is not formalised.",
)
naive = Claim(
    name="zeng-lee/naive/skip-connection-needs-no-first-layer",
    title="With a skip connection adapters on attention and the output suffice (false)",
    source=Source(
        "zeng-lee",
        "",
        "our reading",
        "recalled",
        corrected_by="zeng-lee/skip-connection-first-layer",
    ),
    statement=(
        r"Our reading, not a claim of the authors: the transformer theorem carries over to a skip "
        r"connection around attention, so adapters on $W_Q, W_K, W_V, W_O, W_2, W_o$ of rank $D$ "
        r"suffice, with $W_1$ as it is. It is false unless $W_1 \bar W_1^{-1}$ is a permutation "
        r"with positive entries, at any rank."
    ),
    assumptions=(alive,),
    instances=Instances(draw_shear, ("sheared", "turned")),
    check=untouched,
    kind="lower-bound",
    lower_bound=untouched,
    controls=(
        Control(
            None,
            (pair(SWAPPED, TARGET, 2),),
            "no W1 but that of the target is enough: its rows may be permuted",
            only_in_order,
        ),
        Control(
            None,
            (pair(TURNED, TARGET, 2),),
            "a row of the other sign is enough with the others' units turned: ReLU does not turn",
            any_sign,
        ),
    ),
    arithmetics=("exact",),
    note=(
        "That no adapters elsewhere help is proved in the text of the module, by hand; what is "
        "compared is the criterion of that proof."
    ),
)
