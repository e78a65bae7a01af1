"""What the numerics lean on is heard by whoever runs them, and ends up in the verdict."""

from lora_proofs import Assumption, verify
from lora_proofs.arithmetic import EXACT, at_least, at_most
from lora_proofs.arithmetic.leaning import afresh, remembered
from lora_proofs.judging.evaluation import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import LASALLE, LITERATURE, WEYL, lean_on, leanings


def test_every_collector_under_way_hears_and_a_finished_one_does_not():
    with leanings() as outer:
        with leanings() as inner:
            lean_on(WEYL)
        lean_on(LASALLE, WEYL)
    assert list(inner) == [WEYL.name]
    assert list(outer) == [WEYL.name, LASALLE.name]
    lean_on(WEYL)
    assert list(inner) == [WEYL.name]


def test_every_theorem_says_what_it_states_and_where_it_is_proved():
    for name, cited in LITERATURE.items():
        assert name == cited.name
        assert len(cited.statement) > 40
        assert any(c.isdigit() for c in cited.reference)


def test_a_judgement_names_what_its_numbers_lean_on():
    def check(instance, ctx):
        lean_on(WEYL)
        yield at_most("x", ctx.number(1), ctx.number(2))

    assert evaluate(check, Instance(), EXACT).cites == (WEYL.name,)
    assert evaluate(lambda i, c: [at_most("x", 1, 2)], Instance(), EXACT).cites == ()


def test_a_certified_and_a_refuted_verdict_cite_it_and_say_what_they_moved_from(template):
    def check(instance, ctx):
        lean_on(WEYL)
        x = ctx.number(instance.x)
        yield at_least("square", x * x, ctx.number(0))

    def wrong(instance, ctx):
        lean_on(LASALLE)
        yield at_most("square", ctx.number(instance.x) ** 2, ctx.number(2))

    certified = verify(template.variant(check=check), budget="quick")
    assert (certified.verdict, certified.cites) == ("CERTIFIED", (WEYL.name,))
    assert certified.to_dict()["certificates"]["moved_from"] == "SUPPORTED"
    refuted = verify(template.variant(check=wrong), budget="quick")
    assert (refuted.verdict, refuted.cites) == ("REFUTED", (LASALLE.name,))
    assert refuted.counterexample["cites"] == [LASALLE.name]


def test_what_is_remembered_is_cited_each_time_and_can_be_computed_afresh():
    runs = []

    @remembered(2)
    def square(x):
        runs.append(x)
        lean_on(WEYL)
        return x * x

    for _ in range(2):
        with leanings() as heard:
            assert square(3) == 9
        assert list(heard) == [WEYL.name]
    assert runs == [3]
    with afresh():
        assert square(3) == 9
    assert square(3) == 9
    assert runs == [3, 3]


def test_what_an_assumption_leans_on_is_cited(template):
    def holds(instance, ctx):
        lean_on(WEYL)
        yield at_least("x x", ctx.number(instance.x) ** 2, ctx.number(0))

    real = Assumption("real", "x is real", holds, technical="it always is")
    found = verify(template.variant(assumptions=(real,)), budget="quick")
    assert (found.verdict, found.cites) == ("CERTIFIED", (WEYL.name,))
