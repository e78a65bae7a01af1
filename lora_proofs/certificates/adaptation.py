"""Certificates of adapted models: products of [W | B] and [I; A], and ReLU networks on a box.

Since W + B A = [W | B] [I; A], one product of such factors holds the frozen weights and the
adapters, whose ranks show in the shapes; long fractions are taken out of both, into a diagonal.
Every certificate has passed ``lora_proofs/checker.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import reduce
from pathlib import Path
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.context import Matrix
from lora_proofs.certificates.envelope import certificate
from lora_proofs.certificates.relu import relu_certificate
from lora_proofs.checker import Invalid, Malformed, check
from lora_proofs.constructions.adapters import Adapter
from lora_proofs.constructions.regions import Box
from lora_proofs.errors import BadInput, ToleranceNotMet
from lora_proofs.mathematics.transformer import TransformerModel
from lora_proofs.solving.adaptation import Adapted
from lora_proofs.solving.adaptation_linear import Reached, gap_of
from lora_proofs.solving.adaptation_numbers import lower, upper
from lora_proofs.solving.adaptation_problem import (
    LinearProblem,
    ReluProblem,
    TransformerProblem,
)
from lora_proofs.solving.adaptation_relu import ReluReached
from lora_proofs.solving.adaptation_transformer import TransformerReached

BITS = 96
EVERYTHING = "every certificate in it"
MODEL = (
    "the factors of W_l + B_l A_l = [W_l | N_l] D_l [I; M_l], transposed, from the first layer on"
)
LESS = "their product less the target, transposed"


def write_adaptation_certificate(adapted: Adapted, path: str | Path) -> str:
    """Write the certificate of an answer, and return its kind.

    Raises ``BadInput`` where there is none: the reason is in the message.
    """
    told = adaptation_certificate(adapted)
    try:
        Path(path).write_text(json.dumps(told) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: the certificate cannot be written: {error.strerror}") from None
    return str(told["kind"])


def adaptation_certificate(adapted: Adapted) -> dict[str, Any]:
    """What the answer to an adaptation instance rests on, as the checker reads it.

    >>> from lora_proofs.solving.adaptation import adapt
    >>> from lora_proofs.solving.adaptation_problem import read_adaptation
    >>> told = {"kind": "linear", "frozen": [[[1, 0], [0, 1]]], "target": [[3, 0], [0, 1]]}
    >>> adaptation_certificate(adapt(read_adaptation({**told, "rank": 1}), exact=True))["kind"]
    'product'
    """
    problem, found = adapted.problem, adapted.found
    if isinstance(problem, LinearProblem):
        parts = list(_of_linear(problem, found))
    elif isinstance(problem, ReluProblem):
        parts = list(_of_relu(problem, found))
    else:
        parts = list(_of_transformer(problem, found))
    whole = parts[0] if len(parts) == 1 else bundle(parts)
    try:
        check(whole)
    except (Invalid, Malformed) as error:
        raise ToleranceNotMet(f"certificate: the checker does not accept it: {error}") from None
    return whole


def bundle(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several certificates as one."""
    return certificate("bundle", None, EVERYTHING, certificates=list(parts))


def product_certificate(factors: Sequence[Matrix], asserts: str) -> dict[str, Any]:
    """The product of exact factors, with all ranks.

    >>> told = product_certificate([EXACT.matrix([[2]]), EXACT.matrix([["1/2"]])], "two factors")
    >>> told["equals"], told["ranks"]
    ([[1]], {'factors': [1, 1], 'equals': 1})
    """
    whole = [flint.fmpq_mat(X.tolist()) for X in factors]
    result = reduce(lambda X, Y: X * Y, whole)
    ranks = {"factors": [int(X.rank()) for X in whole], "equals": int(result.rank())}
    told = EXACT.matrix(result.tolist())
    return certificate("product", None, asserts, factors=list(factors), equals=told, ranks=ranks)


def halves(W: Matrix, adapter: Adapter) -> list[Matrix]:
    """[W | B] and [I; A], whose product is W + B A; W alone for rank 0.

    >>> W, adapter = EXACT.matrix([[1]]), Adapter(EXACT.matrix([[2]]), EXACT.matrix([[3]]))
    >>> [X.tolist() for X in halves(W, adapter)]
    [[[1, 2]], [[1], [3]]]
    """
    if adapter.rank == 0:
        return [W]
    below = np.concatenate([EXACT.identity(W.shape[1]), adapter.A], axis=0)
    return [np.concatenate([W, adapter.B], axis=1), below]


def thirds(W: Matrix, adapter: Adapter) -> list[Matrix]:
    """[W | N], a diagonal and [I; M], whose product is W + B A, with whole numbers in N and M.

    Common denominators of long fractions would stand in every number of an elimination; here they
    stand in the diagonal alone.

    >>> W, adapter = EXACT.matrix([[1]]), Adapter(EXACT.matrix([["2/3"]]), EXACT.matrix([[3]]))
    >>> [X.tolist() for X in thirds(W, adapter)]
    [[[1, 1]], [[1, 0], [0, 2]], [[1], [1]]]
    """
    if adapter.rank == 0:
        return [W]
    left = [_primitive(column) for column in adapter.B.T]
    right = [_primitive(row) for row in adapter.A]
    scales = [x * y for (x, _), (y, _) in zip(left, right, strict=True)]
    N, M = np.array([v for _, v in left]).T, np.array([v for _, v in right])
    one = EXACT.identity(W.shape[1])
    middle = _diagonal([one, *(EXACT.matrix([[x]]) for x in scales)])
    return [np.concatenate([W, N], axis=1), middle, np.concatenate([one, M])]


def _primitive(v: Any) -> tuple[Any, Any]:
    """A number and whole numbers without a common divisor, whose product is the vector."""
    d = reduce(lambda x, y: x.lcm(y), [x.q for x in v])
    whole = [(x * d).p for x in v]
    g = reduce(lambda x, y: x.gcd(y), whole)
    if g == 0:
        return flint.fmpq(0), v
    return flint.fmpq(g, d), np.array([flint.fmpq(x // g) for x in whole], dtype=object)


def _transposed(factors: Sequence[Matrix]) -> list[Matrix]:
    return [X.mT for X in reversed(factors)]


def _of_linear(problem: LinearProblem, found: Reached) -> Iterator[dict[str, Any]]:
    """The product of the adapted weights, or where it is not the target its error and the least.

    The least error is sigma_{S+1} of the gap; that it cannot be beaten is the theorem of Eckart,
    Young and Mirsky, not a matter of the checker.
    """
    pairs = zip(problem.frozen, found.adapters, strict=True)
    factors = [X for W, one in pairs for X in _transposed(thirds(W, one.exact))]
    target, kept = problem.target.mT, sum(problem.ranks)
    if found.error["spectral"] == 0:
        yield product_certificate(factors, f"{MODEL}: their product is the target, transposed")
        return
    yield product_certificate(less(factors, target), f"{MODEL}: {LESS}")
    error = found.product.mT - target
    yield _singular(error, 1, "the spectral norm of that difference is within these bounds")
    if kept < min(target.shape):
        frozen = [W.mT for W in problem.frozen]
        yield product_certificate(less(frozen, target), f"the frozen weights, transposed: {LESS}")
        E = -gap_of(problem).mT
        yield _singular(E, kept + 1, "sigma_{S+1} of that difference is within these bounds")


def less(factors: Sequence[Matrix], X: Matrix) -> list[Matrix]:
    """Factors of F_1 F_2 ... - X: [F_1 | -X], every other F beside the identity, and [I; I].

    >>> two = [EXACT.matrix([[2]]), EXACT.matrix([[3]])]
    >>> product_certificate(less(two, EXACT.matrix([[1]])), "2 x 3 - 1")["equals"]
    [[5]]
    """
    one = EXACT.identity(X.shape[1])
    first = np.concatenate([factors[0], -X], axis=1)
    return [first, *(_diagonal([F, one]) for F in factors[1:]), np.concatenate([one, one])]


def _singular(M: Matrix, index: int, asserts: str) -> dict[str, Any]:
    """Bounds of a singular value between decimals, as balls nominate them."""
    balls = BallArithmetic(60)
    with balls.working():
        value = balls.singular_values(balls.matrix(M))[index - 1]
    unit = Fraction(1, 2**BITS) * max(upper(value), Fraction(1, 2**BITS))
    low = max(Fraction(0), lower(value) // unit * unit)
    high = -(-upper(value) // unit) * unit
    if EXACT.rank(M) < index:
        low = high = Fraction(0)
    return certificate(
        "singular-value", None, asserts, matrix=M, index=index, lower=low, upper=high
    )


def _of_relu(problem: ReluProblem, found: ReluReached) -> Iterator[dict[str, Any]]:
    """Equality of both networks on the box, and every adapted weight as W + B A."""
    if not isinstance(problem.region, Box):
        raise BadInput(
            "certificate: expected a box as the region, because the checker shows equality on "
            "boxes; give a box in place of the ball"
        )
    if found.sup != 0:
        raise BadInput(
            "certificate: expected adapters that are exact, because the checker shows equality "
            "alone; ask for --exact, with ranks that suffice"
        )
    yield relu_certificate(found.layers, problem.target, problem.region)
    pairs = enumerate(zip(problem.frozen, found.adapters, strict=True), 1)
    for layer, ((W, _), one) in pairs:
        yield product_certificate(
            thirds(W, one.exact), f"[W | N] D [I; M] is the adapted weight of layer {layer}"
        )


def _of_transformer(
    problem: TransformerProblem, found: TransformerReached
) -> Iterator[dict[str, Any]]:
    """For every product on which the function depends: its factors in both models, one result.

    That equal products make equal functions, whatever stands in place of the softmax as long as
    its columns sum to 1 and a number added to a column changes nothing, is shown by hand in
    ``mathematics/transformer_readings.py`` and is not a matter of the checker.
    """
    if found.residual != 0:
        raise BadInput(
            "certificate: expected adapters that are exact, because the checker shows equality "
            "alone; ask for --exact, with a rank that suffices"
        )
    exact = {place: one.exact for place, one in found.adapters.items()}
    ours = _products(problem.frozen, exact, found.model)
    theirs = _products(problem.target, {}, problem.target)
    for (name, factors), (_, wanted) in zip(ours, theirs, strict=True):
        one = product_certificate(factors, f"{name}, of the adapted model")
        other = product_certificate(wanted, f"{name}, of the target")
        if one["equals"] != other["equals"]:
            raise BadInput(
                "certificate: expected the same products head by head; these models are equal "
                "after heads are put in another order or together, which has no certificate"
            )
        yield one
        yield other


def _products(
    model: TransformerModel, adapters: dict[Any, Adapter], whole: TransformerModel
) -> Iterator[tuple[str, list[Matrix]]]:
    """The factors of C'K'QC, W1 O V C, the biases and the output; ``whole`` has the biases."""

    def parts(place: Any) -> list[Matrix]:
        return halves(weights[place], adapters[place]) if place in adapters else [weights[place]]

    weights, before, b2 = dict(model.weights()), list[Matrix](), None
    for i, block in enumerate(whole.blocks, 1):
        W1, heads = weights[i, None, "W1"], range(1, len(block.heads) + 1)
        for h in heads:
            Q, K, V, out = (parts((i, h, name)) for name in "QKVO")
            of = f"of head {h} in block {i}"
            yield f"scores {of}", [*_transposed([*K, *before]), *Q, *_beside(before, b2)]
            yield f"values {of}", [W1, *out, *V, *before]
        outs, values = ([parts((i, h, name)) for h in heads] for name in "OV")
        into = [block.b1] if b2 is None else _bias(W1, block.b1, outs, values, b2)
        yield f"bias of block {i}", into
        before, b2 = parts((i, None, "W2")), block.b2
    Wo = parts((None, None, "Wo"))
    yield "the output", [*Wo, *before]
    yield "the bias of the output", [*Wo, whole.blocks[-1].b2]


def _beside(factors: list[Matrix], b2: Matrix | None) -> list[Matrix]:
    """Factors of [W2 | b2]; none where nothing comes before."""
    if b2 is None:
        return []
    return [np.concatenate([factors[0], b2], axis=1), *map(_with_one, factors[1:])]


def _with_one(X: Matrix) -> Matrix:
    """X with a 1 in a row and a column of its own."""
    return _diagonal([X, EXACT.identity(1)])


def _diagonal(blocks: Sequence[Matrix]) -> Matrix:
    """Blocks along the diagonal.

    >>> _diagonal([EXACT.matrix([[2, 3]]), EXACT.matrix([[4]])]).tolist()
    [[2, 3, 0], [0, 0, 4]]
    """
    whole = EXACT.zeros(sum(len(X) for X in blocks), sum(X.shape[1] for X in blocks))
    row = column = 0
    for X in blocks:
        whole[row : row + len(X), column : column + X.shape[1]] = X
        row, column = row + len(X), column + X.shape[1]
    return whole


def _bias(
    W1: Matrix, b1: Matrix, outputs: list[list[Matrix]], values: list[list[Matrix]], b2: Matrix
) -> list[Matrix]:
    """Factors of b1 + W1 (O_1 V_1 + ... + O_H V_H) b2, with every O and V in its own factors."""
    first, *inner = [np.concatenate([factors[0] for factors in outputs], axis=1)]
    columns = [factors[1] if len(factors) > 1 else EXACT.identity(len(W1)) for factors in outputs]
    inner += [_diagonal(columns), _diagonal([factors[0] for factors in values])]
    rows = [factors[1] if len(factors) > 1 else EXACT.identity(len(W1)) for factors in values]
    inner.append(np.concatenate(rows, axis=0))
    head = np.concatenate([W1, b1], axis=1)
    return [head, *map(_with_one, [first, *inner]), np.concatenate([b2, EXACT.identity(1)])]
