"""LaTeX to the values of ``nodes``: a reader that knows the commands of ``symbols`` and no other.

Whatever comes out was on the list, so a face that writes it again cannot write anything else: no
macro, no file, no primitive of an engine gets through.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from string import ascii_letters

from lora_proofs.report.formulas import symbols
from lora_proofs.report.formulas.nodes import (
    Decorated,
    Fenced,
    Fraction,
    Grid,
    Group,
    Node,
    Nodes,
    Number,
    Root,
    Scripts,
    Sign,
    Sized,
    Words,
)

MAX_LENGTH = 20_000
MAX_DEPTH = 60
_TOKEN = re.compile(r"\s*(\\operatorname\*|\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S|\Z)", re.S)
_TEXT = re.compile(r"[^\\{}$^_&#%~\x00-\x1f\x7f-\x9f]*")
_SCRIPTS = frozenset(("^", "_", "'", "\\limits", "\\nolimits"))
_LETTERS = {letter: Sign(letter, letter, "letter") for letter in ascii_letters}
_ENDS = frozenset(("}", "&", "\\\\", "\\cr", "\\right", "\\end", "\\middle", ""))


class NotPlain(ValueError):
    """LaTeX that is no formula of allowed commands; a face shows it as it was written."""


@lru_cache(maxsize=8192)
def read(latex: str) -> Nodes:
    r"""The formula; raises ``NotPlain`` for a command that is not on the list.

    >>> read("x^2")[0].above
    (Number(digits='2'),)
    >>> read(r"\input{x}")
    Traceback (most recent call last):
    ...
    lora_proofs.report.formulas.reading.NotPlain: '\\input' is no command that a formula may hold
    """
    if len(latex) > MAX_LENGTH:
        raise NotPlain(f"expected a formula of at most {MAX_LENGTH} characters, got {len(latex)}")
    reader = _Reader(latex)
    found = reader.nodes()
    if reader.token:
        raise NotPlain(f"expected the end of the formula, got {reader.token!r}")
    if not found:
        raise NotPlain("expected a formula, got nothing")
    return found


class _Reader:
    """A recursive descent over the tokens."""

    def __init__(self, latex: str) -> None:
        self.latex, self.at, self.end, self.depth = latex, 0, 0, 0
        self.token = ""
        self.advance()

    def advance(self) -> str:
        """Go to the next token, over spaces; the one that was left."""
        found = _TOKEN.match(self.latex, self.end)
        assert found is not None  # any sign is a token, and so is the end
        left, self.token = self.token, found[1]
        self.at, self.end = found.span(1)
        return left

    def expect(self, token: str) -> None:
        if self.token != token:
            raise NotPlain(f"expected {token!r}, got {self.token!r}")
        self.advance()

    def nodes(self) -> Nodes:
        """Atoms with their scripts, up to what closes them."""
        found: list[Node] = []
        while self.token not in _ENDS:
            atom = self.atom()
            if atom is not None:
                found.append(self.scripts(atom) if self.token in _SCRIPTS else atom)
        return tuple(found)

    def scripts(self, base: Node) -> Node:
        below: Nodes | None = None
        above: Nodes | None = None
        while self.token in _SCRIPTS:
            mark = self.advance()
            if mark == "_" and below is None:
                below = self.argument()
            elif mark == "^" and (above is None or all(x == symbols.SIGNS["'"] for x in above)):
                above = (above or ()) + self.argument()
            elif mark == "'":
                above = (above or ()) + (symbols.SIGNS["'"],)
            elif mark in "_^":
                raise NotPlain(f"a second {mark!r} on one base")
        return base if below is above is None else Scripts(base, below, above)

    def argument(self) -> Nodes:
        """What stands between braces, or one atom."""
        if self.token != "{":
            if self.token in _ENDS or self.token in ("^", "_"):
                raise NotPlain(f"expected an argument, got {self.token!r}")
            if self.token[0].isdigit():
                self.token, self.end = self.token[0], self.at + 1
            atom = self.atom()
            return () if atom is None else (atom,)
        self.advance()
        found = self.nodes()
        self.expect("}")
        return found

    def atom(self) -> Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotPlain(f"nested deeper than {MAX_DEPTH} levels")
        found = self.one()
        self.depth -= 1
        return found

    def one(self) -> Node | None:
        token = self.token
        if token in _LETTERS:
            self.advance()
            return _LETTERS[token]
        if token in ("^", "_"):
            return Group(())
        if token == "{":
            return Group(self.argument())
        if token[0] == "\\" and token[1:].isalpha() and token not in symbols.SIGNS:
            return self.command(token[1:])
        if token == "\\operatorname*":
            return self.operator(limits=True)
        self.advance()
        if token[0].isdigit() and token.isascii():
            return Number(token)
        if token in symbols.SIGNS:
            return symbols.SIGNS[token]
        raise NotPlain(f"{token!r} is no command that a formula may hold")

    def command(self, name: str) -> Node | None:
        if name in _RULES:
            return _RULES[name](self, name)
        raise NotPlain(f"{chr(92) + name!r} is no command that a formula may hold")

    def fraction(self, name: str) -> Node:
        self.advance()
        return Fraction(name, self.argument(), self.argument())

    def root(self, _: str) -> Node:
        self.advance()
        index = None
        if self.token == "[":
            start = self.end
            close = self.latex.find("]", start)
            if close < 0:
                raise NotPlain("a root without the end of its index")
            index = read(self.latex[start:close])
            if len(index) == 1 and isinstance(index[0], Group):
                index = index[0].body
            self.end = close + 1
            self.advance()
        return Root(index, self.argument())

    def decorated(self, name: str) -> Node:
        self.advance()
        return Decorated(name, self.argument())

    def function(self, name: str) -> Node:
        self.advance()
        return Words("operator*" if name in symbols.LIMITED else "operator", name)

    def words(self, name: str) -> Node:
        """Text between braces; one letter may stand without them."""
        self.advance()
        if self.token != "{":
            if self.token.isalnum() and self.token.isascii():
                return Words(name, self.advance())
            raise NotPlain(f"expected text after {name}, got {self.token!r}")
        return Words(name, self.inside())

    def inside(self) -> str:
        """The text between braces, in which nothing is special."""
        found = _TEXT.match(self.latex, self.end)
        close = found.end() if found else self.end
        if self.latex[close : close + 1] != "}":
            raise NotPlain("text inside a formula may hold no command")
        text, self.end = self.latex[self.end : close], close + 1
        self.advance()
        return re.sub(r"\s+", " ", text)

    def operator(self, name: str = "", *, limits: bool = False) -> Node:
        self.advance()
        if self.token != "{":
            raise NotPlain(f"expected the name of an operator, got {self.token!r}")
        text = self.inside().strip()
        limits = limits or text in symbols.LIMITED
        return Words("operator*" if limits else "operator", text)

    def fenced(self, _: str) -> Node:
        self.advance()
        left = self.delimiter()
        body = list(self.nodes())
        while self.token == "\\middle":
            self.advance()
            middle = self.delimiter()
            if middle is not None:
                body.append(Sized("middle", middle))
            body.extend(self.nodes())
        self.expect("\\right")
        return Fenced(left, tuple(body), self.delimiter())

    def delimiter(self) -> Sign | None:
        token = self.advance()
        if token == ".":
            return None
        if token not in symbols.DELIMITERS:
            raise NotPlain(f"expected a bracket, got {token!r}")
        return symbols.DELIMITERS[token]

    def sized(self, name: str) -> Node | None:
        self.advance()
        sign = self.delimiter()
        return None if sign is None else Sized(name, sign)

    def style(self, _: str) -> None:
        """Sizes are the face's business."""
        self.advance()

    def grid(self, _: str) -> Node:
        self.advance()
        name = self.environment()
        if name not in symbols.GRIDS:
            raise NotPlain(f"{name!r} is no environment that a formula may hold")
        rows: list[tuple[Nodes, ...]] = []
        while True:
            rows.append(self.row())
            if self.token not in ("\\\\", "\\cr"):
                break
            self.advance()
        self.expect("\\end")
        if self.environment() != name:
            raise NotPlain(f"expected the end of {name}")
        if len(rows) > 1 and rows[-1] == ((),):
            rows.pop()
        return Grid(name, tuple(rows))

    def environment(self) -> str:
        if self.token != "{":
            raise NotPlain(f"expected the name of an environment, got {self.token!r}")
        return self.inside()

    def row(self) -> tuple[Nodes, ...]:
        cells = [self.nodes()]
        while self.token == "&":
            self.advance()
            cells.append(self.nodes())
        return tuple(cells)


_Rule = Callable[[_Reader, str], Node | None]
_KINDS: tuple[tuple[frozenset[str], _Rule], ...] = (
    (symbols.FRACTIONS, _Reader.fraction),
    (frozenset({"sqrt"}), _Reader.root),
    (symbols.ACCENTS | symbols.ALPHABETS, _Reader.decorated),
    (symbols.FUNCTIONS, _Reader.function),
    (symbols.UPRIGHT, _Reader.words),
    (frozenset({"operatorname"}), _Reader.operator),
    (frozenset({"left"}), _Reader.fenced),
    (symbols.SIZES | {"big", "Big", "bigg", "Bigg"}, _Reader.sized),
    (symbols.STYLES, _Reader.style),
    (frozenset({"begin"}), _Reader.grid),
)
_RULES = {name: rule for known, rule in _KINDS for name in known}
