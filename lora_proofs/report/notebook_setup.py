"""The first cell of a notebook: what its other cells call."""

from __future__ import annotations

SETUP = '''\
from lora_proofs import load_claim, replay, verify
from lora_proofs.language.verdict import as_expected

BUDGETS = ("quick", "standard", "deep")
BUDGET = "quick"  # one of BUDGETS; a larger one takes longer


def compare(result, budget, verdict, scope, digest=None, counts=None, statement=None):
    """Hand the result back where it is what the report shows, which was found with ``budget``.

    The statement is the same. With the same budget, so are the verdict on its scope, the digest of
    regimes and exact counterexamples, and the counts of instances. With a larger one: at least as
    strong. With a smaller one it may be weaker, and says so, but it never contradicts the report.
    """
    shown = f"the report shows {verdict} on {scope}, with the budget {budget}"
    same = statement is None or statement == result.claim["statement"]
    assert same, f"the claim states {result.claim['statement']}; the report shows {statement}"
    if BUDGET == budget:
        assert (result.verdict, result.scope) == (verdict, scope), f"{result}; {shown}"
        same = digest in (None, result.digest)
        assert same, f"{result}; {shown}, with other regimes or counterexamples: {digest}"
        for stage, told in (counts or {}).items():
            for name, value in told.items():
                now = result.to_dict()[stage][name]
                assert now == value, f"{stage}, {name}: {now}; the report shows {value}"
        print(f"As {shown}.")
        return result
    enough = as_expected(result.verdict, verdict)
    refuted = [word == "REFUTED" for word in (result.verdict, verdict)]
    open_ = "INCONCLUSIVE" in (result.verdict, verdict)
    assert refuted[0] == refuted[1] or open_, f"contradiction: {result}; {shown}"
    assert enough or BUDGETS.index(BUDGET) < BUDGETS.index(budget), f"weaker: {result}; {shown}"
    how = "No weaker" if enough else "Weaker, with the smaller budget"
    print(f"{how}: {shown}; BUDGET = {budget!r} repeats that.")
    return result


def judge_again(claim, found, digits):
    """Judge a counterexample from its exact numbers: it fails as the report shows it."""
    again = replay(claim, found, digits=digits)
    assert again["confirmed"], again["reason"]
    for name in found.get("assumptions", {}):
        assert again["assumptions"].get(name) == "holds", (name, again["assumptions"].get(name))
    for name, value in found["comparison"].items():
        assert again["comparison"][name] == value, (name, value, again["comparison"][name])
    return again


class Picture:
    """A drawing of the report, as it stands in it."""

    def __init__(self, svg):
        self.svg = svg

    def _repr_svg_(self):
        return self.svg
'''
