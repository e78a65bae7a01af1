"""The commands that a formula may hold. What is not on these lists is shown as it was written."""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.report.formulas.nodes import Sign

_NAMED = {
    "letter": "alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ "
    "vartheta ϑ iota ι kappa κ lambda λ mu μ nu ν xi ξ pi π varpi ϖ rho ρ varrho ϱ sigma σ "
    "varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ "
    "Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω",
    "plain": "nabla ∇ partial ∂ infty ∞ ell ℓ hbar ℏ imath ı jmath ȷ Re ℜ Im ℑ aleph ℵ wp ℘ "
    "forall ∀ exists ∃ nexists ∄ emptyset ∅ varnothing ∅ top ⊤ bot ⊥ prime ′ angle ∠ triangle △ "
    "neg ¬ lnot ¬ dots … ldots … cdots ⋯ vdots ⋮ ddots ⋱ dotsc … dotsb ⋯ square □ checkmark ✓ "
    "surd √ flat ♭ sharp ♯ natural ♮ dagger † ddagger ‡ Vert ‖ vert |",
    "binary": "cdot ⋅ times × div ÷ pm ± mp ∓ ast ∗ star ⋆ circ ∘ bullet ∙ oplus ⊕ ominus ⊖ "
    "otimes ⊗ odot ⊙ wedge ∧ land ∧ vee ∨ lor ∨ cap ∩ cup ∪ sqcap ⊓ sqcup ⊔ setminus ∖ "
    "smallsetminus ∖ wr ≀ amalg ⨿ uplus ⊎ diamond ⋄",
    "relation": "le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ ll ≪ gg ≫ leqslant ⩽ geqslant ⩾ equiv ≡ sim ∼ "
    "simeq ≃ approx ≈ cong ≅ asymp ≍ propto ∝ prec ≺ succ ≻ preceq ⪯ succeq ⪰ lesssim ≲ "
    "gtrsim ≳ in ∈ notin ∉ ni ∋ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ subsetneq ⊊ "
    "supsetneq ⊋ to → rightarrow → gets ← leftarrow ← leftrightarrow ↔ Rightarrow ⇒ "
    "Leftarrow ⇐ Leftrightarrow ⇔ implies ⟹ impliedby ⟸ iff ⟺ longrightarrow ⟶ "
    "longleftarrow ⟵ Longrightarrow ⟹ mapsto ↦ longmapsto ⟼ hookrightarrow ↪ uparrow ↑ "
    "downarrow ↓ nearrow ↗ searrow ↘ rightharpoonup ⇀ rightsquigarrow ⇝ perp ⊥ parallel ∥ "
    "nparallel ∦ mid ∣ nmid ∤ vdash ⊢ models ⊨ doteq ≐ triangleq ≜ lt < gt >",
    "open": "lVert ‖ lvert | langle ⟨ lceil ⌈ lfloor ⌊ lbrace { lbrack [",
    "close": "rVert ‖ rvert | rangle ⟩ rceil ⌉ rfloor ⌋ rbrace } rbrack ]",
    "large": "sum ∑ prod ∏ coprod ∐ bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂ bigsqcup ⨆ "
    "bigvee ⋁ bigwedge ⋀",
    "integral": "int ∫ iint ∬ iiint ∭ oint ∮",
}
# Punctuation after a backslash, and the same without it where LaTeX has a name.
_SPACES = {
    "thinspace": ",",
    "medspace": ":",
    "thickspace": ";",
    "negthinspace": "!",
    "quad": "",
    "qquad": "",
    "enspace": "",
}
_CHARACTERS = {
    "plain": "!?.@|/",
    "binary": "+-*",
    "relation": "=<>:",
    "open": "([",
    "close": ")]",
    "punctuation": ",;",
}
_SAME = {"\\|": "\\Vert", "\\{": "\\lbrace", "\\}": "\\rbrace", "\\>": "\\medspace", "\\ ": "\\ "}
_ESCAPED = {"\\%": "%", "\\#": "#", "\\&": "&", "\\_": "_", "\\$": "$"}

LIMITED = frozenset("lim max min sup inf limsup liminf argmin argmax det gcd Pr".split())
FUNCTIONS = LIMITED | frozenset(
    "log ln lg exp sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan arg deg dim "
    "hom ker".split()
)
ACCENTS = frozenset(
    "hat widehat tilde widetilde bar overline underline vec dot ddot check breve acute grave "
    "mathring overrightarrow boxed".split()
)
ALPHABETS = frozenset("mathbb mathcal mathfrak mathbf boldsymbol bm mathscr mathit pmb".split())
UPRIGHT = frozenset("text mathrm textrm textit textbf mathsf mathtt textsf texttt mbox".split())
FRACTIONS = frozenset("frac tfrac dfrac cfrac binom tbinom dbinom".split())
STYLES = frozenset("displaystyle textstyle scriptstyle limits nolimits".split())
SIZES = frozenset(f"{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in "lrm")
GRIDS = frozenset(
    "matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix cases aligned gathered "
    "split".split()
)


def _table() -> Iterator[tuple[str, Sign]]:
    for kind, line in _NAMED.items():
        words = line.split()
        for name, character in zip(words[::2], words[1::2], strict=True):
            yield f"\\{name}", Sign(f"\\{name}", character, kind)
    for name, short in _SPACES.items():
        yield f"\\{name}", Sign(f"\\{name}", name, "space")
        if short:
            yield f"\\{short}", Sign(f"\\{name}", name, "space")
    for kind, characters in _CHARACTERS.items():
        for one in characters:
            yield one, Sign(one, {"-": "−", "*": "∗"}.get(one, one), kind)
    for written, character in _ESCAPED.items():
        yield written, Sign(written, character, "plain")
    yield "'", Sign("\\prime", "′", "plain")
    yield "~", Sign("\\ ", "space", "space")
    yield "\\ ", Sign("\\ ", "space", "space")


SIGNS = dict(_table())
SIGNS |= {short: SIGNS[name] for short, name in _SAME.items()}
SIGNS["<"] = SIGNS["\\lt"] = Sign("<", "<", "relation")
SIGNS[">"] = SIGNS["\\gt"] = Sign(">", ">", "relation")
# The characters themselves, as a modern keyboard has them.
SIGNS |= {s.character: s for s in reversed(tuple(SIGNS.values())) if ord(s.character[0]) > 126}
DELIMITERS = {
    name: SIGNS[name]
    for name in (
        "( ) [ ] | / \\| \\{ \\} < > \\lbrace \\rbrace \\lbrack \\rbrack \\lVert \\rVert "
        "\\lvert \\rvert \\Vert \\vert \\langle \\rangle \\lceil \\rceil \\lfloor \\rfloor"
    ).split()
}
DELIMITERS |= {"<": SIGNS["\\langle"], ">": SIGNS["\\rangle"]}
