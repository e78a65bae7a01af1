"""The second proof engine: what is exported, what Coq proves of it, and what it refuses.

Where ``coqc`` is not installed nothing is compiled, and the run says that it counts for nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.resources import files

import pytest

from lora_proofs.certificates import coq
from lora_proofs.certificates.coq_names import comment, identifier
from lora_proofs.certificates.coq_terms import Node, Symbols, number
from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.notation import A, B, G, W, Y, f, h
from lora_proofs.running.catalogue import load, shipped_claims
from lora_proofs.running.exporting import covered, in_coq
from lora_proofs.symbolic.steps import assumed, identity, inequality, prose

COQC = shutil.which("coqc")
ABSENT = "coqc is not installed: nothing was compiled, this run counts for nothing"
compiles = pytest.mark.skipif(not COQC, reason=ABSENT)
# What the proved normal form decided is not what the line needs.
REFUSED = 'while it is expected to have type "decides T'
P, Q, R = w.Symbol("P", "n", "n"), w.Symbol("Q", "n", "n"), w.Symbol("R", "n", "n")
V = w.Symbol("V", "n", "r")
RATES = {A: -(B.T @ G), B: -(G @ A.T)}
ORTHONORMAL = w.Relation(V.T @ V, "=", w.Identity("r"))
orthonormal = assumed("orthonormal", ORTHONORMAL, "the columns of V")


@pytest.fixture(scope="module")
def exports():
    """What is exported of each claim that the baseline calls PROVED."""
    rows = tomllib.loads((files("lora_proofs.claims") / "baseline.toml").read_text())
    proved = {name for name, row in rows.items() if row["standard"] == "PROVED"}
    return [in_coq(load(x.locator)) for x in shipped_claims() if x.name in proved]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A folder with the compiled prelude, for files that only require it."""
    folder = tmp_path_factory.mktemp("coq")
    exported = re.sub(r"^(From Coq Require|)( ?)Import", r"\1\2Export", coq.prelude(), flags=re.M)
    (folder / "prelude.v").write_text(exported)
    assert compiled(folder, "prelude") == ""
    return folder


def compiled(folder, name):
    """What coqc complains of; nothing where it accepts the file."""
    done = subprocess.run(
        [COQC, "-q", "-w", "-all", f"{name}.v"],
        cwd=folder, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    (folder / f"{name}.out").write_text(done.stdout)
    return done.stderr if done.returncode else ""


def accepted(folder, name, found):
    """Write some exports behind the prelude, and let coqc read them."""
    modules = [coq.module(x) for x in found]
    rest = coq.assumptions([x.name for x in found])
    (folder / f"{name}.v").write_text("\n".join(["Require Import prelude.", *modules, rest]))
    return compiled(folder, name)


def made(*steps, name="test/made"):
    conclusion = tuple(s.relation for s in steps if s.relation)[-1:]
    return coq.export(name, "a statement", steps, conclusion)


def says(left, right, *given):
    return made(*given, identity(left, right, "why", given=given))


# ------------------------------------------------------------------------------- what is exported


def test_the_list_of_covered_and_uncovered_claims_is_printed(exports, capsys):
    found = [covered(x) for x in exports]
    kinds = ("statement", "lines", "nothing")
    counts = {kind: sum(x.covers == kind for x in found) for kind in kinds}
    with capsys.disabled():
        print(f"\n\nCoq on {len(found)} PROVED claims: {counts}")
        print(
            ""
            if COQC
            else "coqc is not installed: nothing was compiled, this run counts for nothing"
        )
        print("\n".join(f"  {x}" for x in found))
    assert counts["statement"] >= 20 and counts["lines"] >= 30
    assert all(x.left_out for x in found if x.covers != "statement")


def test_a_line_is_stated_by_its_own_tree():
    found = says(w.along(B.T @ B, RATES), -2 * (B.T @ G @ A.T))
    text = coq.module(found)
    assert "Lemma line_1 : derivative_0 ((B^T) * B) = " in text
    assert "Hypothesis derivative_0_A : derivative_0 A = - ((B^T) * " in text
    assert "Hypothesis derivative_0_W0 : derivative_0 W0 = num M 0." in text


def test_a_gradient_is_stated_by_its_directional_derivatives():
    found = says(w.Gradient(w.squared_norm(A), A), 2 * A)
    text = coq.module(found)
    assert "derivative_0 (tr M ((A^T) * A)) = tr M ((((num M 2) * A)^T) * dA)." in text
    assert "derivative_0_A : derivative_0 A = dA." in text


def test_what_an_assumption_or_a_lemma_says_is_a_hypothesis():
    found = says(w.Trace(V.T @ V), w.Size("r"), orthonormal)
    assert "Hypothesis assumed_1 : (V^T) * V = eye_r." in coq.module(found)
    assert found.covers == "statement" and found.ends() == (2,)


def test_one_line_left_out_and_the_conclusion_is_not_proved():
    step = identity(P + Q, Q + P, "why")
    bound = inequality(w.Norm("F", (P,)), w.Norm("F", (P,)), "why", rule="combine")
    found = made(bound, prose("and so on"), step)
    assert found.covers == "lines" and found.left_out == {1: "an inequality", 2: "prose"}
    assert "Line 1 is left out (an inequality)" in coq.header(found)
    assert "Theorem" not in coq.module(found)
    assert made(bound).covers == "nothing"


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        (w.Norm("F", (P,)), w.Norm("F", (P.T,)), "norm"),
        (w.Inverse(P) @ P, w.Identity("n"), "inverse"),
        (w.Power(h, -1) * h, w.word(1), "division"),
        (w.Identity(2), w.Identity(2).T, "fixed"),
        (w.Trace(w.Gradient(w.Trace(P), P)), w.Size("n"), "gradient"),
        (P @ w.Gradient(w.Trace(P), P), P, "gradient"),
        (f.gradient(W, Y, Y), f.gradient(W, Y, Y), "third"),
        (w.along(P, {P: w.along(P, {P: P})}), P, "rate"),
    ],
)
def test_what_has_no_term_is_left_out_with_the_reason(left, right, why):
    found = says(left, right)
    assert not found.lemmas and why in found.left_out[1]


def test_a_hypothesis_that_does_not_close_a_line_is_found_before_coq():
    found = says(V @ V.T, w.Identity("n"), orthonormal)
    assert found.left_out == {2: "its hypotheses do not close it"}


def test_names_are_identifiers_and_differ():
    assert identifier("e^(mu t)") == "e_mu_t" and identifier("1/y") == "x1_over_y"
    assert identifier("M") == "M_" and identifier("W0~") != identifier("W0")
    text = coq.module(says(w.Symbol("a b", "n", "n") @ w.Symbol("a_b", "n", "n"), w.Zero("n", "n")))
    assert "Variables a_b a_b_2 : M." in text


def test_nothing_in_a_statement_ends_its_comment():
    assert comment(['x *) Admitted. (* "']) == "(*\n   x * ) Admitted. ( * ''\n*)"


def test_no_export_assumes_what_it_should_prove(exports):
    for text in [coq.prelude(), *(coq.module(x) for x in exports)]:
        assert not re.search(r"\b(Admitted|admit|Axiom|Axioms|Parameter|Conjecture)\b", text)


def test_a_term_of_an_unknown_node_is_refused():
    with pytest.raises(NotUnderstood, match="Word"):
        Symbols().node(w.Word())


# ---------------------------------------------------------------------------------- what Coq finds


@compiles
def test_coq_proves_every_claim_that_is_covered(exports, library):
    found = [x for x in exports if x.lemmas]
    halves = {"first": found[::2], "second": found[1::2]}
    with ThreadPoolExecutor(2) as pool:
        complaints = list(pool.map(lambda k: accepted(library, k, halves[k]), halves))
    assert complaints == ["", ""]
    for name in halves:
        assert (library / f"{name}.out").read_text().strip() == "Closed under the global context"


@compiles
def test_the_command_prints_a_file_that_stands_alone(lora_proofs, tmp_path):
    text = lora_proofs.done("derive", "classical/balancedness", "--format", "coq")
    assert text.startswith("(*\n   classical/balancedness\n")
    (tmp_path / "alone.v").write_text(text)
    assert compiled(tmp_path, "alone") == ""
    assert (tmp_path / "alone.out").read_text().strip() == "Closed under the global context"


def test_a_claim_without_an_identity_is_refused_with_the_reason(lora_proofs):
    lora_proofs.refuses(
        "derive", "rushka-klabjan/product-norm", "--format", "coq", words=("nothing", "inequality")
    )


RATE = w.along(w.squared_norm(A), RATES)
THIRD = w.word(1) / 3
TRUE_AND_FALSE = {
    "coefficient": (RATE, -2 * w.Trace(A.T @ B.T @ G), -3 * w.Trace(A.T @ B.T @ G)),
    "sign": (RATE, -2 * w.Trace(A.T @ B.T @ G), 2 * w.Trace(A.T @ B.T @ G)),
    "transpose": ((P @ Q).T, Q.T @ P.T, Q.T @ P),
    "factors": (w.Trace(P @ Q @ R), w.Trace(R @ P @ Q), w.Trace(P @ R @ Q)),
    "scalars": (h * (P @ Q), P @ (h * Q), h * (Q @ P)),
    "gradient": (w.Gradient(f(W), A), B.T @ G, B.T @ G + A),
    "chain rule": (w.along(G, {A: A}), f.gradient(W, B @ A), 2 * f.gradient(W, B @ A)),
    "dimension": (w.Trace(w.Identity("n")), w.Size("n"), w.Size("r")),
    "value": (w.substitute(P + h * Q, {h: 1}), P + Q, P),
    "fraction": (THIRD * P + 2 * THIRD * P, P, THIRD * P),
}


@compiles
def test_coq_accepts_what_is_true(library):
    true = [
        replace(says(left, right), name=f"true {key}")
        for key, (left, right, _) in TRUE_AND_FALSE.items()
    ]
    assert accepted(library, "true", true) == ""


@compiles
@pytest.mark.parametrize("fault", TRUE_AND_FALSE)
def test_coq_refuses_what_is_false(library, fault):
    left, _, wrong = TRUE_AND_FALSE[fault]
    assert REFUSED in refusal(library, fault, says(left, wrong))


@compiles
@pytest.mark.parametrize("fault", ["twice", "turned", "none", "other"])
def test_coq_refuses_a_wrong_use_of_a_hypothesis(library, fault):
    found = says(w.Trace(V.T @ V), w.Size("r"), orthonormal)
    line = found.lemmas[2]
    (use,) = line.uses
    faults = {
        "twice": (replace(use, scale=number(2)),),
        "turned": (replace(use, before=Node("Tp", (use.after,)), after=use.scale, traced=False),),
        "none": (),
        "other": (replace(use, index=1),),
    }
    found.lemmas[2] = replace(line, uses=faults[fault])
    assert REFUSED in refusal(library, f"use_{fault}", found)


def refusal(folder, name, found):
    assert found.lemmas
    name = identifier(name)
    return " ".join(accepted(folder, name, [replace(found, name=name)]).split())
