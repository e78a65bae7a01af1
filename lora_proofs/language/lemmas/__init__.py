"""The lemmas that a derivation may cite: statement, hypotheses, and where they are proved.

Each stands outside the papers under test. A hypothesis is a relation, which a step must state
literally, or a sentence, which a step or an assumption must be named for.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_proofs.language.lemmas.calculus import CALCULUS
from lora_proofs.language.lemmas.comparison import COMPARISON
from lora_proofs.language.lemmas.flows import FLOWS
from lora_proofs.language.lemmas.matrices import MATRICES
from lora_proofs.language.lemmas.probability import PROBABILITY
from lora_proofs.language.lemmas.ranks import RANKS
from lora_proofs.symbolic.steps import Lemma

LEMMAS: Mapping[str, Lemma] = {
    lemma.name: lemma for lemma in (*CALCULUS, *COMPARISON, *FLOWS, *MATRICES, *PROBABILITY, *RANKS)
}
