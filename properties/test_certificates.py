"""Honest certificates are accepted, and no changed one is: any character, any tight statement."""

import json
from fractions import Fraction
from functools import cache

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lora_proofs.arithmetic import rational
from lora_proofs.certificates.derivation import derivation_certificates
from lora_proofs.certificates.envelope import certificate
from lora_proofs.certificates.flow import for_problem
from lora_proofs.certificates.instances import instance_certificate
from lora_proofs.checker import Invalid, Malformed, check, digest_of, main, rank
from lora_proofs.claims.rushka_klabjan.frobenius.conventions import claim
from lora_proofs.judging.drawing import draw_one
from lora_proofs.language.budget import budget
from lora_proofs.running.certifying import followed
from lora_proofs.running.deriving import derive_claim
from lora_proofs.solving.problem import read_problem
from lora_proofs.strategies import HypothesisDraw, matrix

CHANGES = settings(max_examples=max(1, settings().max_examples // 2))
FEW = settings(max_examples=max(1, settings().max_examples // 20))
FLOW = {"loss": "frobenius", "W0": [[0, 0], [0, 0]], "Y": [[2, 1], [0, 1]], "A0": [[1, "1/2"]]}
NET = [{"W": [[1, -1], [2, 1]], "b": [0, 1]}, {"W": [[1, 3]], "b": ["1/2"]}]


def product(*factors):
    """A certificate of a product of whole matrices."""
    total = factors[0]
    for M in factors[1:]:
        columns = list(zip(*M, strict=True))
        total = [[sum(map(Fraction.__mul__, row, c)) for c in columns] for row in total]
    ranks = {"factors": [rank(M) for M in factors], "equals": rank(total)}
    return certificate("product", None, "", factors=factors, equals=total, ranks=ranks)


@cache
def honest():
    """A certificate of every kind."""
    told = [product([[Fraction(1), Fraction(2)]], [[Fraction(3)], [Fraction(-1)]])]
    told.append(
        certificate("singular-value", None, "", matrix=[[3, 0], [4, 5]], index=1,
                    lower="6708203932499369089/1000000000000000000",
                    upper="6708203932499369090/1000000000000000000")
    )  # fmt: skip
    box = {"lower": [0, 0], "upper": [1, 1]}
    told.append(certificate("relu", None, "", first=NET, second=NET, box=box))
    told += [for_problem(read_problem({**FLOW, "t": t})) for t in ("1/4", "inf")]
    derived = derive_claim(claim)
    told += derivation_certificates(claim, derived)[0]
    instance = draw_one(claim.instances, "generic", 1)
    run = followed(claim.check, instance, budget("quick").digits, "holds")
    told.append(instance_certificate(claim.name, "", instance, {}, run, "holds"))
    return tuple(told)


KINDS = {"product", "singular-value", "relu", "flow", "critical-value-gap", "identity",
         "derivation", "instance"}  # fmt: skip


def refused(document):
    """Whether the checker says no, with a message."""
    try:
        check(document)
    except (Invalid, Malformed) as error:
        return bool(str(error))
    return False


def test_an_honest_certificate_of_every_kind_is_accepted():
    assert {told["kind"] for told in honest()} == KINDS
    for told in honest():
        assert check(json.loads(json.dumps(told)))


@CHANGES
@given(st.data())
def test_no_certificate_survives_another_character(tmp_path_factory, data):
    told = data.draw(st.sampled_from(honest()))
    text = json.dumps(told)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from('0123456789/-[]{}",: aA'))
    changed = text[:at] + other + text[at + 1 :]
    assume(changed != text)
    path = tmp_path_factory.mktemp("changed") / "c.json"
    path.write_text(changed)
    assert main([str(path)]) != 0 or json.loads(changed) == told


@CHANGES
@given(st.data())
def test_no_certificate_survives_being_cut_off(tmp_path_factory, data):
    text = json.dumps(data.draw(st.sampled_from(honest())))
    path = tmp_path_factory.mktemp("cut") / "c.json"
    path.write_text(text[: data.draw(st.integers(0, len(text) - 1))])
    assert main([str(path)]) == 4


@CHANGES
@given(st.data())
def test_a_product_is_told_from_every_other_also_under_a_new_digest(data):
    draw = HypothesisDraw(data.draw)
    n, k, m = (data.draw(st.integers(1, 4)) for _ in range(3))
    A, B = ([[*map(rational, row)] for row in matrix(draw, *s)] for s in ((n, k), (k, m)))
    told = product(A, B)
    assert check(told)
    shift = data.draw(st.sampled_from([1, -1, "1/1000000007"]))
    i, j = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, m - 1))
    entry = json.loads(json.dumps(told))
    entry["equals"][i][j] = str(Fraction(entry["equals"][i][j]) + Fraction(shift))
    ranked = json.loads(json.dumps(told))
    ranked["ranks"]["equals"] += 1
    low = json.loads(json.dumps(told))
    low["ranks"]["factors"][data.draw(st.integers(0, 1))] -= 1
    swapped = {**told, "factors": told["factors"][::-1]}
    wrong = [entry, ranked, low]
    if [*product_of(B, A)] != [*product_of(A, B)]:
        wrong.append(swapped)
    for document in wrong:
        assert refused({**document, "digest": digest_of(document)})


def product_of(A, B):
    """A B, or nothing where the shapes do not fit."""
    if len(A[0]) != len(B):
        return
    for row in A:
        yield [sum(map(Fraction.__mul__, row, c)) for c in zip(*B, strict=True)]


@FEW
@given(st.data())
def test_a_recorded_check_is_told_from_one_with_another_side(data):
    instance = draw_one(claim.instances, "generic", data.draw(st.integers(0, 30)))
    run = followed(claim.check, instance, 30, "holds")
    told = instance_certificate(claim.name, "", instance, {}, run, "holds")
    assert check(told)
    used = {i for row in told["comparisons"] for i in (row[0], row[2])}
    at = data.draw(st.sampled_from(sorted(used)))
    nodes = [["number", "1000003"] if k == at else node for k, node in enumerate(told["nodes"])]
    changed = {**told, "nodes": nodes}
    assert refused({**changed, "digest": digest_of(changed)})
