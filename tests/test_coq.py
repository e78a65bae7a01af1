"""The second proof engine: what is exported, what Coq proves of it, and what it refuses.

Where ``coqc`` is not installed nothing is compiled, and the run says that it counts for nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from dataclasses import replace
from importlib.resources import files

import pytest

from lora_proofs.certificates import coq
from lora_proofs.certificates.coq_names import comment, identifier
from lora_proofs.certificates.coq_terms import Direction, Node, Symbols, number
from lora_proofs.errors import BadInput, NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.notation import A, B, G, W, Y, f, h
from lora_proofs.running.catalogue import load, shipped_claims
from lora_proofs.running.exporting import covered, in_coq, source_of
from lora_proofs.symbolic.steps import assumed, identity, inequality, prose

COQC = shutil.which("coqc")
ABSENT = "coqc is not installed: nothing was compiled, this run counts for nothing"
compiles = pytest.mark.skipif(not COQC, reason=ABSENT)
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


def test_the_direction_of_a_gradient_is_no_symbol_of_a_claim():
    user = w.Symbol("dA", A.rows, A.columns)
    text = coq.module(says(w.Gradient(w.Trace(A.T @ user), A), user))
    assert "derivative_0_A : derivative_0 A = dA_2." in text
    assert "derivative_0_dA : derivative_0 dA = num M 0." in text
    assert Direction("dA", A.rows, A.columns) != user


def test_what_an_assumption_or_a_lemma_says_is_a_premise_at_one_instant():
    found = says(w.Trace(V.T @ V), w.Size("r"), orthonormal)
    premise = "value ((V^T) * V) = value (eye_r)"
    stated = f"line_2 :\n  {premise} -> value (tr M ((V^T) * V)) = value (r)."
    assert stated in coq.module(found)
    assert found.covers == "statement" and found.ends() == (2,)
    assert found.lemmas[2].premises == (1,)
    assert "Line 2 is proved, at an instant, from 1: " in coq.header(found)


def test_a_premise_is_handed_down_to_the_lines_that_rest_on_it():
    first = identity(w.Trace(V.T @ V), w.Size("r"), "why", given=(orthonormal,))
    second = identity(h * w.Trace(V.T @ V), h * w.Size("r"), "why", given=(first,))
    free = identity(P + Q, Q + P, "why")
    found = made(orthonormal, first, second, free)
    assert [found.lemmas[i].premises for i in (2, 3, 4)] == [(1,), (1,), ()]
    text = coq.module(found)
    assert "exact (conj (line_2 assumed_1) I)" in text and "line_4 : P + Q_ = Q_ + P." in text


def test_no_export_supposes_anything_that_a_derivative_could_be_taken_of(exports):
    """Vacuity: a premise as an equation of functions says that its derivatives agree too."""
    seen = 0
    for found in exports:
        supposed = set(re.findall(r"Hypothesis (\w+?)_", coq.module(found)))
        assert supposed <= {"is", "scalar", "rows", "columns", "symmetric", "divisor", "loss",
                            "chain", "inside", "derivative", "put"}  # fmt: skip
        for _, stated in re.findall(r"Lemma line_(\d+) :(.*?)\.\nProof", coq.module(found), re.S):
            *premises, last = stated.split(" ->")
            closed = [*premises, last] if premises else []
            assert all(re.fullmatch(r"\s*value \(.*\) = value \(.*\)", x) for x in closed)
            seen += bool(premises)
    assert seen > 100


def test_a_symbol_moves_in_one_way_that_keeps_its_symmetry():
    s = w.Symbol("S", "n", "n", symmetric=True)
    moved = {key: says(w.along(s, {s: x}), x) for key, x in (("in", P + P.T), ("out", P))}
    assert moved["in"].lemmas and "symmetric" in moved["out"].left_out[1]
    twice = says(w.Derivative(P, ((P, Q), (P, R))), R)
    assert "two ways" in twice.left_out[1]


def test_a_line_that_uses_a_later_line_is_left_out():
    found = made(identity(w.Trace(V.T @ V), w.Size("r"), "why", given=(orthonormal,)), orthonormal)
    assert found.left_out == {1: "it uses a line that does not stand before it"}


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
    assert identifier("size") == "size_" and identifier("line_1") == "line_1_"
    for name in ("sub", "put", "rate", "value", "decided_at", "value_zero", "is_value", "tr_plus"):
        assert identifier(name) == f"{name}_"
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
@pytest.mark.parametrize(
    "start", [0, *(pytest.param(k, marks=pytest.mark.nightly) for k in range(1, 9))]
)
def test_coq_proves_every_claim_that_is_covered(exports, library, start):
    found = [x for x in exports if x.lemmas]
    name = f"part{start}"
    assert accepted(library, name, found[start::9]) == ""
    assert (library / f"{name}.out").read_text().strip() == "Closed under the global context"


@compiles
def test_the_command_prints_a_file_that_stands_alone(lora_proofs, library):
    text = lora_proofs.done("derive", "classical/balancedness", "--format", "coq")
    assert text.startswith("(*\n   classical/balancedness\n")
    # The prelude, word for word, is what was compiled for the other tests.
    assert text.count(coq.prelude()) == 1
    rest = text.replace(coq.prelude(), "Require Import prelude.\n")
    (library / "alone.v").write_text(rest)
    assert compiled(library, "alone") == ""
    assert (library / "alone.out").read_text().strip() == "Closed under the global context"


def test_a_claim_without_an_identity_is_refused_with_the_reason(lora_proofs):
    lora_proofs.refuses(
        "derive", "rushka-klabjan/product-norm", "--format", "coq", words=("nothing", "inequality")
    )


def test_a_derivation_that_is_not_closed_is_refused():
    claim = next(x for x in shipped_claims() if x.name == "classical/balancedness")
    claim = load(claim.locator)
    assert source_of(claim)[1].covers == "statement"

    def wrong():
        *steps, last = claim.derive()
        size = w.squared_norm(A)
        return [*steps, identity(size, 2 * size, "wrong"), last]

    with pytest.raises(BadInput, match="not closed, and nothing of it is exported: line 3"):
        source_of(replace(claim, derive=wrong))


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
def test_coq_refuses_what_is_false(library):
    false = {key: says(left, wrong) for key, (left, _, wrong) in TRUE_AND_FALSE.items()}
    assert_refused(library, "false", false)


@compiles
def test_coq_refuses_a_wrong_use_of_a_hypothesis(library):
    found = says(w.Trace(V.T @ V), w.Size("r"), orthonormal)
    line = found.lemmas[2]
    (use,) = line.uses
    faults = {
        "twice": (replace(use, scale=number(2)),),
        "turned": (replace(use, before=Node("Tp", (use.after,)), after=use.scale, traced=False),),
        "none": (),
        "other": (replace(use, index=1),),
    }
    wrong = {
        key: replace(found, lemmas={2: replace(line, uses=uses)}) for key, uses in faults.items()
    }
    assert_refused(library, "use", wrong)


def assert_refused(folder, name, exports):
    """Coq refuses the proof of the last line of each export, as the normal form decides false."""
    texts = ["Require Import prelude."]
    for key, found in exports.items():
        title = identifier(f"{name} {key}")
        before, last = coq.module(replace(found, name=title)).rsplit("\nLemma line_", 1)
        proof = last[: last.index("\nQed.")]
        (sides,) = re.findall(r"refine \(decided\w* T E.*? (\[.*) _ _\);", proof, re.S)
        texts += [
            f"{before}\nLemma line_{proof}\nFail Qed. Abort.",
            f"Goal decides T {sides} = false. Proof. vm_compute. reflexivity. Qed.",
            f"End Derivation. End {title}.",
        ]
    (folder / f"{name}.v").write_text("\n".join(texts))
    assert compiled(folder, name) == ""


# Where an assumption was an equation of functions, its derivative was a premise too, and with
# symbols at rest that made what followed 0 = 0, or every gradient right.
ONCE_VACUOUS = {
    "frobenius-decoupling": ("A * v", "a * q"),
    "frobenius-escape-rates": ("A * z", "num M 0"),
    "trace-squared-balanced-start": ("B", "A^T"),
}


@compiles
def test_no_derivative_is_taken_of_a_premise(exports, library):
    texts = ["Require Import prelude."]
    for name, (left, right) in ONCE_VACUOUS.items():
        (found,) = (x for x in exports if x.name == f"rushka-klabjan/{name}")
        text = coq.module(found)
        assert f"value ({left}) = value ({right}) ->" in text
        texts += [
            text[: text.index("Lemma line_")],
            f"Goal value ({left}) = value ({right}) -> derivative_0 ({left}) = num M 0.",
            "Proof. intro H. Fail rewrite H. Fail apply (f_equal derivative_0) in H. Abort.",
            f"Goal {left} = {right} -> derivative_0 ({left}) = derivative_0 ({right}).",
            "Proof. intro H. rewrite H. reflexivity. Qed.",
            f"End Derivation. End {identifier(found.name)}.",
        ]
    (library / "vacuous.v").write_text("\n".join(texts))
    assert compiled(library, "vacuous") == ""


# Q[x, y] up to terms of second order, with D x = y: the values at x = 0 keep every law of the
# prelude, and there x = 0 but D x is not.
COUNTEREXAMPLE = """
Require Import prelude.
From Coq Require Import Qcanon.
Local Open Scope Qc_scope.
Definition jet := (Qc * Qc * Qc)%type.
Lemma entries (a b c p q r : Qc) : a = p -> b = q -> c = r -> (a, b, c) = (p, q, r).
Proof. congruence. Qed.
Ltac by_entries := repeat intros [[? ?] ?]; intros; cbn; apply entries; ring.
Ltac rational := apply Q2Qc_eq_iff; cbn [this Q2Qc]; rewrite !Qred_correct; reflexivity.
Definition jets : algebra.
Proof.
  refine {| carrier := jet; zero := (0, 0, 0); one := (1, 0, 0);
    plus a b := let '(p, q, r) := a in let '(s, t, u) := b in (p + s, q + t, r + u);
    times a b := let '(p, q, r) := a in let '(s, t, u) := b in
      (p * s, p * t + q * s, p * u + r * s);
    minus a := let '(p, q, r) := a in (- p, - q, - r);
    num q := (Q2Qc q, 0, 0); transpose a := a; tr a := a; inverse a := a; scalar _ := True |};
    try solve [intros; exact I | reflexivity | by_entries].
  - intros p q e. apply entries; [apply Q2Qc_eq_iff, e | reflexivity ..].
  - intros p q. apply entries; [rational | ring ..].
  - intros p q. apply entries; [rational | ring ..].
Defined.
Definition D (a : jets) : jets := let '(p, q, r) := a in (0, 0, q).
Definition at_zero (a : jets) : jets := let '(p, q, r) := a in (p, 0, r).
Lemma is_D : derivation D.
Proof. constructor; try solve [reflexivity | by_entries]. Qed.
Lemma is_value : evaluation at_zero.
Proof. constructor; try solve [reflexivity | by_entries]. Qed.
Theorem no_premise_is_differentiated :
  ~ forall x y : jets, at_zero x = at_zero y -> at_zero (D x) = at_zero (D y).
Proof. intro H. specialize (H (0, 1, 0) (0, 0, 0) eq_refl). discriminate H. Qed.
Definition all_proved := (is_D, is_value, no_premise_is_differentiated).
Print Assumptions all_proved.
"""


@compiles
def test_in_the_prelude_a_premise_says_nothing_of_its_derivative(library):
    (library / "counterexample.v").write_text(COUNTEREXAMPLE)
    assert compiled(library, "counterexample") == ""
    assert (library / "counterexample.out").read_text().strip() == "Closed under the global context"
