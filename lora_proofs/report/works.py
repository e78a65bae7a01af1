r"""The works that cited lemmas refer to, as BibTeX.

What a lemma says of a work ("Horn and Johnson, Matrix Analysis, Corollary 4.3.12") opens with words
that find it here. Sections and numbers are those of the editions that are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lora_proofs.language.claim import PAPERS, Paper


@dataclass(frozen=True)
class Work:
    """A work: the words that find it in a reference, and its entry."""

    words: tuple[str, ...]
    kind: str
    key: str
    fields: tuple[tuple[str, str], ...]


def _book(
    words: str, key: str, author: str, title: str, where: str, year: str, **more: str
) -> Work:
    fields = {"author": author, "title": title, "publisher": where, "year": year, **more}
    return Work(tuple(words.split("|")), "book", key, tuple(fields.items()))


def _article(
    words: str, key: str, author: str, title: str, where: str, year: str, **more: str
) -> Work:
    fields = {"author": author, "title": title, "journal": where, **more, "year": year}
    return Work(tuple(words.split("|")), "article", key, tuple(fields.items()))


CAMBRIDGE, SPRINGER, WILEY = "Cambridge University Press", "Springer", "Wiley"
WORKS = (
    _book("Horn and Johnson, Matrix Analysis", "horn-johnson-2013", "Horn, Roger A. and Johnson, "
          "Charles R.", "Matrix Analysis", CAMBRIDGE, "2013", edition="Second"),
    _book("Topics in Matrix Analysis", "horn-johnson-1991", "Horn, Roger A. and Johnson, Charles "
          "R.", "Topics in Matrix Analysis", CAMBRIDGE, "1991"),
    _book("Solving Ordinary Differential Equations I", "hairer-1993", "Hairer, Ernst and "
          r"N{\o}rsett, Syvert P. and Wanner, Gerhard", "Solving Ordinary Differential Equations "
          "{I}: Nonstiff Problems", SPRINGER, "1993", edition="Second"),
    _book("Introductory Lectures on Convex Optimization", "nesterov-2004", "Nesterov, Yurii",
          "Introductory Lectures on Convex Optimization: A Basic Course", SPRINGER, "2004"),
    _book("Foundations of Modern Analysis", "dieudonne-1960", r"Dieudonn{\'e}, Jean",
          "Foundations of Modern Analysis", "Academic Press", "1960"),
    _book("Teschl", "teschl-2012", "Teschl, Gerald",
          "Ordinary Differential Equations and Dynamical Systems", "American Mathematical Society",
          "2012", series="Graduate Studies in Mathematics", volume="140"),
    Work(("Digital Library of Mathematical Functions",), "misc", "dlmf", (
        ("title", "{NIST} Digital Library of Mathematical Functions"),
        ("howpublished", r"\url{https://dlmf.nist.gov}"))),
    _book("Principles of Mathematical Analysis", "rudin-1976", "Rudin, Walter",
          "Principles of Mathematical Analysis", "McGraw-Hill", "1976", edition="Third"),
    _book("Real and Complex Analysis", "rudin-1987", "Rudin, Walter",
          "Real and Complex Analysis", "McGraw-Hill", "1987", edition="Third"),
    _book("Naive Set Theory", "halmos-1960", "Halmos, Paul R.", "Naive Set Theory",
          "Van Nostrand", "1960"),
    _book("Walter, Ordinary Differential Equations", "walter-1998", "Walter, Wolfgang",
          "Ordinary Differential Equations", SPRINGER, "1998",
          series="Graduate Texts in Mathematics", volume="182"),
    _book("Gradient Flows in Metric Spaces", "ambrosio-2008", "Ambrosio, Luigi and Gigli, Nicola "
          r"and Savar{\'e}, Giuseppe", "Gradient Flows in Metric Spaces and in the Space of "
          "Probability Measures", r"Birkh{\"a}user", "2008", edition="Second"),
    _book("Linear Regression Analysis", "seber-1977", "Seber, George A. F.",
          "Linear Regression Analysis", WILEY, "1977"),
    _book("Probability and Measure", "billingsley-1995", "Billingsley, Patrick",
          "Probability and Measure", WILEY, "1995", edition="Third"),
    _book("Aspects of Multivariate Statistical Theory", "muirhead-1982", "Muirhead, Robb J.",
          "Aspects of Multivariate Statistical Theory", WILEY, "1982"),
    _article("Cline and Funderlic", "cline-funderlic-1979", "Cline, Randall E. and Funderlic, "
             "Robert E.", "The rank of a difference of matrices and associated generalized "
             "inverses", "Linear Algebra and its Applications", "1979", volume="24"),
    _book("Lectures on Matrices", "wedderburn-1934", "Wedderburn, Joseph H. M.",
          "Lectures on Matrices", "American Mathematical Society", "1934"),
    Work(("Dahlquist 1958",), "phdthesis", "dahlquist-1958", (
        ("author", "Dahlquist, Germund"),
        ("title", "Stability and Error Bounds in the Numerical Integration of Ordinary "
         "Differential Equations"),
        ("school", "Stockholm University"), ("year", "1958"))),
    _article("LaSalle 1960", "lasalle-1960", "LaSalle, Joseph P.",
             "Some extensions of {L}iapunov's second method", "IRE Transactions on Circuit Theory",
             "1960", volume="7"),
    _book("Khalil", "khalil-2002", "Khalil, Hassan K.", "Nonlinear Systems", "Prentice Hall",
          "2002", edition="Third"),
    _article("Baldi and Hornik", "baldi-hornik-1989", "Baldi, Pierre and Hornik, Kurt",
             "Neural networks and principal component analysis: Learning from examples without "
             "local minima", "Neural Networks", "1989", volume="2"),
    _article("Eckart and Young 1936", "eckart-young-1936", "Eckart, Carl and Young, Gale",
             "The approximation of one matrix by another of lower rank", "Psychometrika", "1936",
             volume="1"),
    _article("Mirsky 1960", "mirsky-1960", "Mirsky, Leon",
             "Symmetric gauge functions and unitarily invariant norms",
             "The Quarterly Journal of Mathematics", "1960", volume="11"),
    _article("Ky Fan 1949", "fan-1949", "Fan, Ky",
             "On a theorem of {W}eyl concerning eigenvalues of linear transformations {I}",
             "Proceedings of the National Academy of Sciences", "1949", volume="35"),
    _book("Fractal Geometry", "falconer-2003", "Falconer, Kenneth", "Fractal Geometry: "
          "Mathematical Foundations and Applications", WILEY, "2003", edition="Second"),
)  # fmt: skip


def works_of(references: Iterable[str]) -> list[Work]:
    """The works that references name, in the order of their keys.

    >>> [work.key for work in works_of(["Horn and Johnson, Matrix Analysis, section 0.2.4"])]
    ['horn-johnson-2013']
    """
    texts = list(references)
    found = [w for w in WORKS if any(words in text for words in w.words for text in texts)]
    return sorted(found, key=lambda work: work.key)


def bibtex(
    references: Iterable[str], papers: Iterable[Paper] = PAPERS, others: Iterable[str] = ()
) -> str:
    """BibTeX for the papers under test, for other sources, and for the works in references.

    >>> bibtex([], papers=()), bibtex([], others=["my notes"]).count("@misc")
    ('', 3)
    """
    works = [*map(_of_paper, papers), *map(_of_other, others), *works_of(references)]
    return "\n\n".join("\n".join(_entry(work)) for work in works)


def _of_paper(paper: Paper) -> Work:
    number = paper.identifier.partition(":")[2]
    return Work(
        (),
        "misc",
        paper.key,
        (
            ("author", paper.authors),
            ("title", f"{{{paper.title}}}"),
            ("eprint", number),
            ("archiveprefix", "arXiv"),
            ("year", f"20{number[:2]}"),
            ("note", "Only abstracts and summaries were read"),
        ),
    )


def _of_other(name: str) -> Work:
    """A source that a claim names and of which no more is known; signs of TeX are left out."""
    key = re.sub("[^A-Za-z0-9]+", "-", name).strip("-").lower() or "source"
    title = " ".join(re.sub(r"[\\{}%#$&~^]", " ", name).split())
    note = "As a claim names it; nothing more of it is recorded"
    return Work((), "misc", key, (("title", f"{{{title}}}"), ("note", note)))


def _entry(work: Work) -> Iterator[str]:
    yield f"@{work.kind}{{{work.key},"
    for name, value in work.fields:
        yield f"  {name} = {{{value}}},"
    yield "}"
