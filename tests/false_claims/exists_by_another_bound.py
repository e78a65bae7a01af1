"""A flow that blows up is said to exist for all time, by a step that bounds something else."""

from fractions import Fraction

from lora_proofs import Claim, Control, Instance, Instances, Source
from lora_proofs.claims.rushka_klabjan.preliminaries import hoelder_in_time as hoelder
from lora_proofs.language.lemmas.flows import EXTENSION

EXPECTED_VERDICT = "CERTIFIED"
EXPECTED_REASON = "the step for hypothesis 'bounded' has another left side"


def derive():
    steps = list(hoelder.way("flow", label=hoelder.LABEL))
    closed = {"bounded": steps[-1], "finite": "flow", "solution": "flow", "field": "flow"}
    yield from steps
    yield hoelder.cited(EXTENSION, "it stays bounded", discharged_by=closed)


def draw(source, regime):
    start = Fraction(source.integer(1, 40), 20)
    end = Fraction(source.integer(1, 9), 10) / (2 * start**2)
    return Instance(
        loss="concave-square", W0=[[0]], A0=[[start]], B0=[[start]], s=0, t=end, regimes=(regime,)
    )


claim = Claim(
    name="tests/exists-by-another-bound",
    source=Source("tests"),
    statement=(
        r"The LoRA gradient flow of $f(w) = -w^2/2$ exists for all $t \ge 0$, with "
        r"$\|\theta(t) - \theta(0)\|^2 \le t\,(g(0) - g(t))$."
    ),
    assumptions=(hoelder.flow,),
    instances=Instances(draw),
    check=hoelder.check,
    conclusion=(hoelder.CONCLUSION,),
    derive=derive,
    interpret=hoelder.interpret,
    controls=(
        Control(hoelder.flow, (hoelder.UNEQUAL,), why="B learns faster"),
        Control(None, (hoelder.SHORT,), why="half of the bound", check=hoelder.halved),
    ),
    arithmetics=("ball", "multiprecision"),
)
