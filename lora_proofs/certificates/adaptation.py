"""Certificates of adapted models: products of [W | B] and [I; A], and ReLU networks on a box.

Since W + B A = [W | B] [I; A], one product of such factors holds the frozen weights and the
adapters, whose ranks show in the shapes; long fractions are taken out of both, into a diagonal.
Several certificates are one bundle, which says where the same matrix stands in two of them: the
checker compares these places. Every certificate has passed ``lora_proofs/checker.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from lora_proofs.arithmetic import EXACT
from lora_proofs.arithmetic.context import Matrix
from lora_proofs.certificates.products import (
    Members,
    Place,
    bundle,
    diagonal,
    halves,
    less,
    product_certificate,
    singular_certificate,
    thirds,
    transposed,
)
from lora_proofs.certificates.relu import relu_certificate
from lora_proofs.checker import Invalid, Malformed, check
from lora_proofs.constructions.adapters import Adapter
from lora_proofs.constructions.regions import Box
from lora_proofs.constructions.singular_weights import product_rank
from lora_proofs.errors import BadInput, ToleranceNotMet
from lora_proofs.mathematics.transformer import TransformerModel
from lora_proofs.solving.adaptation import Adapted
from lora_proofs.solving.adaptation_linear import Reached, gap_of
from lora_proofs.solving.adaptation_problem import (
    LinearProblem,
    ReluProblem,
    TransformerProblem,
)
from lora_proofs.solving.adaptation_relu import ReluReached
from lora_proofs.solving.adaptation_transformer import TransformerReached

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
        told = _of_linear(problem, found)
    elif isinstance(problem, ReluProblem):
        told = _of_relu(problem, found)
    elif isinstance(problem, TransformerProblem):
        told = _of_transformer(problem, found)
    else:
        raise BadInput("certificate: this answer is one of float64; ask for it with exact=True")
    whole = told.parts[0] if len(told.parts) == 1 else bundle(told.parts, told.same)
    try:
        check(whole)
    except (Invalid, Malformed) as error:
        raise ToleranceNotMet(f"certificate: the checker does not accept it: {error}") from None
    return whole


def _of_linear(problem: LinearProblem, found: Reached) -> Members:
    """The product of the adapted weights, or where it is not the target its error and the least.

    The least error is sigma_{S+1} of the gap, or sigma_{t+1} of the target where no product has a
    rank above t; that these cannot be beaten is the theorem of Eckart, Young and Mirsky, and that
    rank(W + B A) <= rank W + R, not a matter of the checker.
    """
    told, pairs = Members(), zip(problem.frozen, found.adapters, strict=True)
    layers = [transposed(thirds(W, one.exact)) for W, one in pairs]
    factors, frozen = [X for layer in layers for X in layer], [W.mT for W in problem.frozen]
    target, kept = problem.target.mT, sum(problem.ranks)
    if found.error["spectral"] == 0:
        asserts = f"{MODEL}: their product is the target, transposed, so the error is 0"
        told.add(product_certificate(factors, asserts))
        return told
    weighted = problem.second_moment is not None
    without = "; the second moment of the inputs is not in it" if weighted else ""
    told.add(product_certificate(less(factors, target), f"{MODEL}: {LESS}{without}"))
    asserts = "the error, which is the spectral norm of that difference, is within these bounds"
    error = singular_certificate(found.product.mT - target, 1, asserts)
    told.add(error, (["matrix"], [0, "equals"]))
    last = accumulate(map(len, layers))
    weights = [[0, "factors", k - 1, _corner(W)] for k, W in zip(last, frozen, strict=True)]
    there = [0, *_beyond(factors[0], target)]
    if kept < min(target.shape):
        one = product_certificate(less(frozen, target), f"the frozen weights, transposed: {LESS}")
        places = [["factors", j, _corner(W)] for j, W in enumerate(frozen)]
        k = told.add(one, *zip(places, weights, strict=True), (_beyond(frozen[0], target), there))
        asserts = "no error is below sigma_{S+1} of that difference, which is within these bounds"
        least = singular_certificate(-gap_of(problem).mT, kept + 1, asserts)
        told.add(least, (["matrix"], [k, "equals"]))
    through = product_rank(problem.frozen, problem.ranks)
    if through < EXACT.rank(target):
        asserts = f"the frozen weights, transposed: no adapted product has a rank above {through}"
        ranks = product_certificate(frozen, asserts)
        told.add(ranks, *((["factors", j], at) for j, at in enumerate(weights)))
        asserts = "no error is below this singular value of the target, transposed"
        told.add(singular_certificate(target, through + 1, asserts), (["matrix"], there))
    return told


def _corner(X: Matrix) -> list[int]:
    """The block of X at the upper left."""
    return [0, len(X), 0, X.shape[1]]


def _beyond(F: Matrix, X: Matrix) -> Place:
    """Where X stands in [F | X], the first factor."""
    return ["factors", 0, [0, len(X), F.shape[1], F.shape[1] + X.shape[1]]]


def _of_relu(problem: ReluProblem, found: ReluReached) -> Members:
    """Equality of both networks on the box, and every adapted weight of the first as W + B A."""
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
    told = Members([relu_certificate(found.layers, problem.target, problem.region)])
    for k, ((W, _), one) in enumerate(zip(problem.frozen, found.adapters, strict=True)):
        asserts = f"[W | N] D [I; M] is the adapted weight of layer {k + 1}"
        part = product_certificate(thirds(W, one.exact), asserts)
        told.add(part, (["equals"], [0, "first", k, "W"]))
    return told


def _of_transformer(problem: TransformerProblem, found: TransformerReached) -> Members:
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
    ours = list(_products(problem.frozen, exact, found.model))
    theirs = list(_products(problem.target, {}, problem.target))
    told, shared = Members(), dict[int, Place]()
    for (name, factors), (_, wanted) in zip(ours, theirs, strict=True):
        one = product_certificate(factors, f"{name}, of the adapted model")
        other = product_certificate(wanted, f"{name}, of the target")
        if one["equals"] != other["equals"]:
            raise BadInput(
                "certificate: expected the same products head by head; these models are equal "
                "after heads are put in another order or together, which has no certificate"
            )
        k = told.add(one, *_shared(factors, shared, len(told.parts)))
        told.add(other, (["equals"], [k, "equals"]), *_shared(wanted, shared, k + 1))
    return told


def _shared(
    factors: Sequence[Matrix], known: dict[int, Place], k: int
) -> Iterator[tuple[Place, Place]]:
    """Where weights that stand as they are in several products stand for the first time."""
    for j, X in enumerate(factors):
        if id(X) in known:
            yield ["factors", j], known[id(X)]
        known.setdefault(id(X), [k, "factors", j])


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
            yield f"scores {of}", [*transposed([*K, *before]), *Q, *_beside(before, b2)]
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
    return diagonal([X, EXACT.identity(1)])


def _bias(
    W1: Matrix, b1: Matrix, outputs: list[list[Matrix]], values: list[list[Matrix]], b2: Matrix
) -> list[Matrix]:
    """Factors of b1 + W1 (O_1 V_1 + ... + O_H V_H) b2, with every O and V in its own factors."""
    first, *inner = [np.concatenate([factors[0] for factors in outputs], axis=1)]
    columns = [factors[1] if len(factors) > 1 else EXACT.identity(len(W1)) for factors in outputs]
    inner += [diagonal(columns), diagonal([factors[0] for factors in values])]
    rows = [factors[1] if len(factors) > 1 else EXACT.identity(len(W1)) for factors in values]
    inner.append(np.concatenate(rows, axis=0))
    head = np.concatenate([W1, b1], axis=1)
    return [head, *map(_with_one, [first, *inner]), np.concatenate([b2, EXACT.identity(1)])]
