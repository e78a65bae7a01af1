"""The flow of every differentiable loss is said to be unique, as if its field were a polynomial."""

from lora_proofs import Claim, Control, Instance, Instances, Source, equal, flows, losses
from lora_proofs.language.lemmas.calculus import UNIQUENESS
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.notation import A, B, G, problem_values
from lora_proofs.strategies.any_loss import any_loss_problem
from lora_proofs.symbolic.steps import cited, identity

EXPECTED_VERDICT = "CERTIFIED"
EXPECTED_REASON = "the step for hypothesis 'field' has no polynomial on the right"

FIELD = {A: -(B.T @ G), B: -(G @ A.T)}
CONCLUSION = w.Relation(w.along(-A, FIELD), "=", -((-B).T @ G), "rate of -A")


def derive():
    yield (start := identity(-A, -A, "it starts at -A"))
    yield (step := identity(CONCLUSION.left, CONCLUSION.right, "the signs", label="rate of -A"))
    closed = {"solves": step, "field": step, "starts": start}
    yield cited(UNIQUENESS, "no other curve does", discharged_by=closed)


def rate(instance, ctx, sign):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance, ctx)
    here, _ = flows.lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    there, _ = flows.lora_vector_field(loss, x.W0, -x.A0, sign * x.B0, ctx)
    yield equal("rate of -A", -here, there)


def check(instance, ctx):
    yield from rate(instance, ctx, -1)


def one_sign(instance, ctx):
    yield from rate(instance, ctx, 1)


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[2]])
claim = Claim(
    name="tests/unique-for-any-gradient",
    source=Source("tests"),
    statement=(
        r"For every differentiable loss, $(-A, -B)$ is the only LoRA gradient flow from "
        r"$(-A_0, -B_0)$."
    ),
    assumptions=(),
    instances=Instances(any_loss_problem),
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=problem_values,
    controls=(Control(None, (START,), why="the sign of A alone", check=one_sign),),
)
