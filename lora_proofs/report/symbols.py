r"""The notation of a report: what symbols mean where a statement does not say it itself.

Symbols are looked for in the formulas of statements and assumptions, so that a chapter explains
those that it uses. A file of one's own may mean something else by a letter, and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lora_proofs.report.fields import meanings
from lora_proofs.report.records import Record, parts
from lora_proofs.report.records import part as part_of
from lora_proofs.report.text import inlines, paragraph, plain
from lora_proofs.report.tree import Block, Code, Inlines, Math, Paragraph, Section, Table, Text

_FORMULA = re.compile(r"\$+([^$]+)\$+")
_NOT_IN_A_WORD = r"(?<![A-Za-z\\{{]){}(?![A-Za-z_])"


@dataclass(frozen=True)
class Known:
    """A symbol in LaTeX, what it means, and what it looks like in a formula."""

    latex: str
    meaning: str
    pattern: str
    within_names: str = ""
    """Where the letter means this: in claims whose names have these words; empty for all."""

    def within(self, formulas: str) -> bool:
        """Whether formulas use it."""
        return re.search(self.pattern, formulas) is not None

    def holds_in(self, name: str, formulas: str) -> bool:
        """Whether it means this in a claim: no statement that defines it is spoken over."""
        letter = re.escape(self.latex.removesuffix("(t)"))
        defined = rf"(^|[;,(]|\\quad)\s*{letter}('|\^2)?\s*=(?!\s*0\b)"
        own = "_" not in self.latex and re.search(defined, formulas)
        return self.within_names in name and not own


def _letter(latex: str, meaning: str) -> Known:
    return Known(latex, meaning, _NOT_IN_A_WORD.format(re.escape(latex)))


def _sign(latex: str, meaning: str, pattern: str = "") -> Known:
    return Known(latex, meaning, pattern or re.escape(latex))


def _of_trace(latex: str, meaning: str, pattern: str = "") -> Known:
    """A letter of the trace-squared loss, which other claims use for something else."""
    shape = pattern or _NOT_IN_A_WORD.format(re.escape(latex))
    return Known(latex, meaning, shape, "/trace-squared")


_NORMS = (
    _sign(r"\|X\|_F", "Frobenius norm", r"(\\\||\\rVert)_F"),
    _sign(r"\|X\|_2", "operator norm, the largest singular value", r"(\\\||\\rVert)_2"),
    _sign(r"\sigma_k(X)", "singular values in decreasing order, 0 beyond the last", r"\\sigma_"),
    _sign(r"X^\top", "transpose", r"\^\\top"),
)
_FLOWS = (
    _sign("W_0", r"frozen weight, $n \times m$", r"W_0"),
    _sign("A", r"right factor of the adapter, $r \times m$", r"(?<![A-Za-z\\])A(?![A-Za-z])"),
    _sign("B", r"left factor of the adapter, $n \times r$", r"(?<![A-Za-z\\])B(?![A-Za-z])"),
    _letter("W", r"adapted weight $W_0 + s\,BA$ with the scale $s$, 1 unless said otherwise"),
    _sign("A_0, B_0", "the factors at time 0", r"[AB]_0"),
    _letter("r", "rank of the adapter"),
    _letter("f", r"loss, a function of $W$"),
    _sign(
        "g",
        r"the same loss as a function of the factors, $f(W_0 + s\,BA)$",
        r"(?<![A-Za-z\\{])g\(|\\nabla g",
    ),
    _letter("G", r"gradient $\nabla f(W)$"),
    _letter("Y", r"target of the Frobenius loss $\tfrac12 \|W - Y\|_F^2$"),
    _letter("E", r"$Y - W_0$, what the adapter has to learn"),
    _sign("E_r", r"best approximation of $E$ of rank at most $r$"),
    _sign(r"\theta", r"the factors $(A, B)$ as one vector"),
    _letter("h", "step size of gradient descent"),
    _sign("R_A, R_B", r"bounds of $\|A\|_2$ and $\|B\|_2$", r"R_[AB]"),
    _sign("M_2, M_F", r"bounds of $\|G\|_2$ and $\|G\|_F$", r"M_[2F]"),
    _sign("L_f", r"Lipschitz constant of $\nabla f$ in the Frobenius norm"),
    _sign("w_0", r"$\operatorname{tr} W_0$", r"(?<![A-Za-z\\])w_0"),
    _of_trace("p", r"$\operatorname{tr}(B_0 A_0)$"),
    _of_trace("q", r"$\tfrac12 (\|A_0\|_F^2 + \|B_0\|_F^2)$"),
    _of_trace(r"\mu", r"$\sqrt{w_0^2 + q^2 - p^2}$"),
    _of_trace(r"\tau(t)", r"$\int_0^t \operatorname{tr} W$", r"\\tau(?!_)"),
    _sign(r"\dot X", "derivative with respect to time", r"\\dot(?![a-z])"),
)
_NETWORKS = (
    _sign("W_l", r"frozen weight of layer $l$", r"(?<![A-Za-z\\])W_\{?[l1L]"),
    _sign(r"\hat W_l", r"adapted weight $W_l + \Delta W_l$", r"\\hat W"),
    _sign(r"\bar W", "weight of the target; a bar marks what is the target's", r"\\bar"),
    _letter("L", "number of frozen layers"),
    _sign(r"\bar L", "number of layers of the target", r"\\bar L"),
    _letter("D", "width of the layers"),
    _sign("R, R_l", r"rank of the adapters, of that of layer $l$", r"(?<![A-Za-z\\])R(?![A-Za-z])"),
    _sign(r"\mathrm{LR}_k(X)", r"best approximation of $X$ of rank at most $k$", r"\{LR\}"),
    _sign(r"P_0", r"$W_L \cdots W_1$"),
)  # fmt: skip
NOTATIONS: Mapping[str, tuple[Known, ...]] = {
    "rushka-klabjan": (*_FLOWS, *_NORMS),
    "zeng-lee": (*_NETWORKS, *_NORMS),
    "classical": _NORMS,
}
_CLASSICAL_FLOWS = ("classical/balancedness", "classical/energy-identity")
"""Well-known results on the same flow, in the same letters."""
_HEADS = (
    _sign("W_Q, W_K, W_V, W_O", "weights of a head: scores, values, output", r"W_[QKVO]"),
    _sign("Q, K, V, O", "the same four matrices in products", r"(?<![_A-Za-z\\\\{])[QKVO]\b"),
)
_TITLES = {"rushka-klabjan": "Gradient flows", "zeng-lee": "Networks", "classical": "Matrices"}


def used(record: Record) -> list[Known]:
    """The symbols of a claim of ours that the tables know.

    >>> source = {"paper": "rushka-klabjan"}
    >>> record = {"shipped": True, "source": source, "statement": "$G = 0$ if $W_0 = Y$"}
    >>> [known.latex for known in used(record)]
    ['W_0', 'G', 'Y']
    """
    if not record.get("shipped"):
        return []
    formulas = _formulas(record)
    name = str(record.get("name"))
    return [k for k in _table(record) if k.within(formulas) and k.holds_in(name, formulas)]


def _table(record: Record) -> tuple[Known, ...]:
    """The symbols that a claim of a source may use."""
    name, paper = str(record.get("name")), str(part_of(record, "source").get("paper"))
    if name in _CLASSICAL_FLOWS:
        return NOTATIONS["rushka-klabjan"]
    more = _HEADS if "/transformer" in name or "/attention" in name else ()
    return (*NOTATIONS.get(paper, ()), *more)


def _formulas(record: Record) -> str:
    texts = [
        record.get("statement"),
        *(one.get("statement") for one in parts(record, "assumptions")),
    ]
    return " ; ".join(f for text in texts for f in _FORMULA.findall(str(text or "")))


def symbols_of(record: Record) -> Iterator[Block]:
    """The line of a chapter on the symbols that it uses; what the statement defines goes first.

    >>> list(symbols_of({"statement": "$x$"}))
    []
    """
    found = used(record)
    if found:
        pieces: list[Inlines] = [(Math(k.latex), Text(" "), *inlines(k.meaning)) for k in found]
        content = [piece for line in pieces for piece in (*line, Text("; "))]
        head = Text("Notation, unless the statement says otherwise: ", strong=True)
        yield Paragraph((head, *content[:-1], Text(".")))
    carried = meanings(record)  # also of a claim of one's own, where its losses are ours
    if carried:
        yield Paragraph((Text("In the instances: ", strong=True), *_carried(carried)))


def _carried(told: Mapping[str, str]) -> Inlines:
    pieces = [(Code(name), Text(" is "), *inlines(what), Text("; ")) for name, what in told.items()]
    content = [piece for line in pieces for piece in line]
    return (*content[:-1], Text("."))


def notation(records: Sequence[Record]) -> tuple[Section, ...]:
    """The tables of symbols that the claims of a report use.

    >>> notation([])
    ()
    """
    found = tuple(_tables(records))
    note = paragraph("What letters mean where a statement does not define them itself.")
    return (Section(plain("Notation"), (note, *found), "notation"),) if found else ()


def _tables(records: Sequence[Record]) -> Iterator[Block]:
    for paper, title in _TITLES.items():
        its = [r for r in records if part_of(r, "source").get("paper") == paper]
        wanted = {known.latex: known for record in its for known in used(record)}
        rows = tuple(((Math(k.latex),), inlines(k.meaning)) for k in wanted.values())
        if rows:
            yield Table(title, ("Symbol", "Meaning"), rows)
