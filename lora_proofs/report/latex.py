"""The LaTeX face: one source for plain ``article`` with amsmath, amssymb, longtable, hyperref.

It compiles as it stands, and ``\\input`` in a document that loads those four packages sets the same
sections there. No text of a claim is ever a command: text is escaped character by character,
formulas are written again from what the reader of ``formulas`` let in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from lora_proofs.report.bookmarks import bookmark
from lora_proofs.report.columns import needed, shares
from lora_proofs.report.drawing import picture
from lora_proofs.report.figure import Figure
from lora_proofs.report.fitting import fitted
from lora_proofs.report.formulas.as_latex import latex_of
from lora_proofs.report.formulas.nodes import Nodes
from lora_proofs.report.formulas.reading import NotPlain
from lora_proofs.report.glyphs import coded, named, typed
from lora_proofs.report.linebreaks import width
from lora_proofs.report.shortening import HEADING, cut, shortened
from lora_proofs.report.tree import (
    Block,
    Bullets,
    Callout,
    Code,
    CodeBlock,
    Derivation,
    DerivedLine,
    DisplayMath,
    Document,
    Inline,
    Inlines,
    Judged,
    Link,
    Math,
    Paragraph,
    Section,
    Table,
    Text,
)

PREAMBLE = r"""% Compile this file with pdflatex, twice, or \input it in a document that loads
% amsmath, amssymb, longtable and hyperref. All four are in Debian's texlive-latex-base.
\makeatletter
\let\lpend\relax
\ifx\documentclass\@twoclasseserror\else
  \def\lpend{\end{document}}
  \documentclass[10pt,a4paper]{article}
  \usepackage{amsmath,amssymb,longtable}
  \usepackage[hidelinks,bookmarksdepth=2]{hyperref}
  \setlength\textwidth{455pt}\setlength\textheight{700pt}
  \setlength\oddsidemargin{-2pt}\setlength\evensidemargin{-2pt}\setlength\topmargin{-40pt}
  \setlength\parindent{0pt}\setlength\parskip{5pt plus 2pt}
  \setcounter{secnumdepth}{-1}
  \def\lptitle#1{\begin{center}\LARGE\bfseries #1\end{center}}
  \begin{document}
\fi
\ifdefined\lptitle\else\def\lptitle#1{\section{#1}}\fi
\makeatother
\setcounter{MaxMatrixCols}{99}\allowdisplaybreaks
\setlength\LTleft{0pt}\setlength\LTright{0pt}\setlength\LTpre{6pt}\setlength\LTpost{6pt}
\emergencystretch=3em\tolerance=2000\hbadness=10000\vbadness=10000\hfuzz=2pt
\def\lpone{OT1}\makeatletter
\DeclareRobustCommand\lpsingle{\ifx\f@encoding\lpone\char13 \else\textquotesingle\fi}
\DeclareRobustCommand\lpgrave{\ifx\f@encoding\lpone\char18 \else\textasciigrave\fi}\makeatother
\newsavebox\lpbox \newdimen\lpwidth
% A formula that is wider than the line is set in the largest smaller size that fits.
\def\lpset#1#2{\sbox\lpbox{#1$\displaystyle #2$}}
\def\lptry#1#2{\ifdim\wd\lpbox>\lpwidth \lpset{#1}{#2}\fi}
\def\lpwide#1#2{\lpwidth=\linewidth \advance\lpwidth-#1 \lpset{}{#2}\lptry\small{#2}%
  \lptry\footnotesize{#2}\lptry\scriptsize{#2}\lptry\tiny{#2}\usebox\lpbox}
\def\lpjudged#1#2{\textbf{#1} #2}
\def\lpquote#1{\par\begin{list}{}{\leftmargin#1\rightmargin0pt\topsep4pt\parsep4pt\listparindent0pt}\item\relax}
\def\lpendquote{\end{list}}
\def\lpframe{\par\smallskip\hrule\nobreak\smallskip\lpquote{10pt}}
\def\lpendframe{\lpendquote}
% What stays together begins on a new page where this one has less room than it needs.
\def\lpneed#1{\par\penalty-100\begingroup\dimen0=\pagegoal \advance\dimen0-\pagetotal
  \ifdim#1\baselineskip>\dimen0 \ifdim\dimen0>0pt \vfil\fi\break\fi\endgroup}
"""
MOST = 42.0
ROOM = 40.0  # for formulas in a row of a table
LINE = 24.0  # in running text, where more than that should be able to break
END = "\\tabularnewline\\noalign{\\vskip3pt}\n"
LAST = END.replace("line", "line*", 1)
PAGE = 3600  # characters on most of a page, in the type of a table
_NAME = re.compile(r"[A-Za-z_]{3}[/_-][A-Za-z_]{3}")
_LEVELS = ("section", "section", "subsection", "subsubsection", "paragraph")
_ANCHOR = re.compile("[a-z0-9-]+")
_ADDRESS = re.compile(r"https://[A-Za-z0-9./-]+")


def to_latex(document: Document) -> str:
    r"""The document as one LaTeX source.

    >>> made = to_latex(Document(r"\input{x}", ()))
    >>> r"\lptitle{\textbackslash{}input\{x\}}" in made
    True
    """
    writer = _Writer(frozenset(_anchors(document.blocks)))
    title = rf"\lptitle{{{typed(cut(document.title))}}}"
    body = writer.blocks(document.blocks, 1, MOST)
    return "\n\n".join([PREAMBLE + title, *body, "\\lpend\n"])


def _anchors(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Section):
            if _ANCHOR.fullmatch(block.anchor):
                yield block.anchor
            yield from _anchors(block.blocks)
        elif isinstance(block, Callout):
            yield from _anchors(block.blocks)


class _Writer:
    """Blocks to source; it knows the anchors, so that a link never points to nothing."""

    def __init__(self, anchors: frozenset[str]) -> None:
        self.known, self.left, self.works = anchors, set(anchors), 0
        self.room, self.kept = LINE, False  # kept: a heading came just before

    def blocks(self, blocks: Iterable[Block], level: int, most: float) -> Iterator[str]:
        for block in blocks:
            yield from self.block(block, level, most)
            self.kept = False

    def block(self, block: Block, level: int, most: float) -> Iterator[str]:
        match block:
            case Paragraph(content):
                yield self.line(content) + "\\par"
            case DisplayMath(latex):
                yield _display(latex, most)
            case CodeBlock(text):
                yield _listing(text)
            case Bullets(items):
                inside = "\n".join(rf"\item {{}}{self.line(item)}" for item in items)
                yield f"\\begin{{itemize}}\n{inside}\n\\end{{itemize}}" if items else ""
            case Table():
                yield self.table(block)
            case Derivation(lines):
                yield from (self.derived(i, one, most) for i, one in enumerate(lines, 1))
            case Callout(_, blocks):
                inside = "\n\n".join(self.blocks(blocks, level, most - 1.0))
                yield f"\\lpframe\n{inside}\n\\lpendframe"
            case Figure():
                yield _figure(block)
            case Section(title, blocks, "bibliography"):
                yield from self.bibliography(title, blocks, level, most)
            case Section(title, blocks, anchor):
                yield self.heading(title, level, needed(block)) + self.mark(anchor)
                self.kept = bool(blocks) and isinstance(blocks[0], Section)
                yield from self.blocks(blocks, level + 1, most)

    def heading(self, title: Inlines, level: int, need: int) -> str:
        """A heading, with the room that it and what follows need; plain words as a bookmark."""
        name = _LEVELS[min(level, len(_LEVELS) - 1)]
        # A link cannot stand in a heading, which LaTeX writes to its files too.
        words = tuple(Text(n.text) if isinstance(n, Link) else n for n in title)
        shown = self.line(shortened(words, HEADING))
        room, self.kept = "" if self.kept else rf"\lpneed{{{need}}}", False
        return rf"{room}\{name}{{\texorpdfstring{{{shown}}}{{{bookmark(title)}}}}}"

    def mark(self, anchor: str) -> str:
        if anchor not in self.left:
            return ""
        self.left.remove(anchor)
        return rf"\hypertarget{{{anchor}}}{{}}"

    def bibliography(
        self, title: Inlines, blocks: tuple[Block, ...], level: int, most: float
    ) -> Iterator[str]:
        """Its lists as ``thebibliography``, its BibTeX in comments as well as in print."""
        yield self.heading(title, level, 9) + self.mark("bibliography")
        for block in blocks:
            if isinstance(block, Bullets):
                items = "\n".join(map(self.work, block.items))
                yield (
                    "{\\renewcommand\\section[2]{}\\renewcommand\\refname{}%\n"
                    f"\\begin{{thebibliography}}{{99}}\n{items}\n\\end{{thebibliography}}}}"
                )
            else:
                yield from self.block(block, level + 1, most)

    def work(self, item: Inlines) -> str:
        self.works += 1
        return rf"\bibitem{{lp{self.works}}} {self.line(item)}"

    def line(self, nodes: Inlines) -> str:
        return "".join(map(self.inline, nodes))

    def inline(self, node: Inline) -> str:
        match node:
            case Text(text, strong):
                shown = _running(text)
                return rf"\textbf{{{shown}}}" if strong else shown
            case Math(latex):
                return self.formula(latex)
            case Code(text):
                return rf"\texttt{{{coded(text)}}}"
            case Link():
                return self.link(node)
            case Judged():
                return rf"\lpjudged{{{typed(node.verdict)}}}{{{typed(node.reach)}}}"

    def formula(self, latex: str) -> str:
        """The formula in its line, in pieces if it is wider than one."""
        try:
            return " ".join(f"${_latex(line)}$" for line in fitted(latex, self.room))
        except NotPlain:
            return rf"\texttt{{{coded(latex)}}}"

    def link(self, link: Link) -> str:
        shown = named(link.text)
        anchor = link.target.removeprefix("#")
        if link.target.startswith("#") and anchor in self.known:
            return rf"\hyperlink{{{anchor}}}{{{shown}}}"
        if _ADDRESS.fullmatch(link.target):
            return rf"\href{{{link.target}}}{{{shown}}}"
        return shown

    def table(self, table: Table) -> str:
        parts = shares(table)
        count = len(parts)
        columns = "".join(rf"p{{\dimexpr {share}\linewidth-2\tabcolsep\relax}}" for share in parts)
        cells = [cut(cell, 80) for cell in [*table.header, *[""] * count][:count]]
        head = " & ".join(rf"\raggedright\textbf{{{typed(cell)}}}" for cell in cells)
        rows = [[*row, *[()] * count][:count] for row in table.rows]
        lines = [
            " & ".join(rf"\raggedright {cell}" for cell in self.cells(row, parts)) for row in rows
        ]
        # The star keeps the last row with the one before it, so that no head stands alone.
        body = "".join(f"{line}{END}" for line in lines[:-2]) + LAST.join(lines[-2:])
        wide = rf"\multicolumn{{{count}}}{{@{{}}p{{\linewidth}}@{{}}}}"
        caption = rf"{wide}{{\textit{{{_running(cut(table.caption))}}}}}\tabularnewline[2pt]"
        top = f"\\hline\n{head}\\tabularnewline\\hline\\noalign{{\\vskip3pt}}"
        return (
            f"{{\\small\\begin{{longtable}}{{@{{}}{columns}@{{}}}}\n{caption}\n{top}\n\\endfirsthead\n"
            f"{top}\n\\endhead\n\\hline\\endfoot\n{body}\n\\end{{longtable}}}}"
        )

    def cells(self, row: Sequence[Inlines], parts: Sequence[float]) -> Iterator[str]:
        for cell, share in zip(row, parts, strict=True):
            self.room = share * ROOM
            yield self.line(shortened(cell, max(200, round(share * PAGE))))
        self.room = LINE

    def derived(self, number: int, line: DerivedLine, most: float) -> str:
        tag = rf"\tag{{{number}}}"
        shown = [_display(line.latex, most - 3.0, tag)] if line.latex else []
        told = [self.line(text) for text in (line.text, line.why) if text]
        how = rf"{{\small\textit{{{typed(line.kind)}}} {typed(f'{line.mark} {line.checked}')}}}"
        start = "" if line.latex else f"({number})\\enspace "
        inside = start + "\\\\{}\n".join([*told, how])
        return "\n".join([*shown, f"\\lpquote{{16pt}}{inside}\\lpendquote"])


def _running(text: str) -> str:
    """Text of a line; a long name in it may break after its strokes and hyphens."""
    words = re.sub(r"\s+", " ", text).split(" ")
    return " ".join(named(word) if _NAME.search(word) else typed(word) for word in words)


def _latex(nodes: Nodes) -> str:
    return latex_of(nodes, words=typed)


def _listing(text: str) -> str:
    """Text to copy, line by line; it breaks where it has to."""
    lines = (rf"\texttt{{{_kept(line)}}}\par" for line in text.split("\n"))
    inside = "\n".join(lines)
    return f"{{\\footnotesize\\parskip0pt\\raggedright\n{inside}\n}}"


def _kept(line: str) -> str:
    indent = min(len(line) - len(line.lstrip(" ")), 40)  # TeX knows no length of 40,000 spaces
    return rf"\hspace*{{{indent / 2}em}}" * bool(indent) + (coded(line.strip()) or r"\strut")


def _display(latex: str, most: float, tag: str = "") -> str:
    """The formula on lines of its own, or its LaTeX in type where it is not on the list."""
    try:
        lines = fitted(latex, most)
    except NotPlain:
        return _listing(latex)
    shown = _latex(lines[0]) if len(lines) == 1 else _broken(lines)
    if max(map(width, lines)) > 0.75 * most:
        shown = rf"\lpwide{{{'48pt' if tag else '0pt'}}}{{{shown}}}"
    return f"\\[{shown}{tag}\\]"


def _broken(lines: list[Nodes]) -> str:
    first, *rest = map(_latex, lines)
    inside = " \\\\\n".join([f"& {first}", *(rf"& \qquad {{}} {line}" for line in rest)])
    return f"\\begin{{aligned}}\n{inside}\n\\end{{aligned}}"


def _figure(figure: Figure) -> str:
    caption = rf"{{\small\textbf{{{typed(figure.title)}}}. {typed(figure.caption)}\par}}"
    told = rf"{{\small\textit{{{typed(figure.told)}}}\par}}"
    return f"\\begin{{center}}\n{picture(figure)}\n\\end{{center}}\n{caption}\n{told}"
