"""Losses: the built-in ones, and new ones from matrix words or from SymPy.

A new loss says its value alone. Gradient and Hessian action are derived from it; where it is a
polynomial its flow, Taylor series and enclosures come with it, elsewhere flows are in float64 and
multiprecision only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lora_proofs.errors import BadInput, NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.losses import (
    Cubic,
    Frobenius,
    Linear,
    LogCosh,
    Loss,
    TraceSquared,
    cubic,
    entrywise,
    frobenius,
    linear,
    log_cosh,
    loss_from_instance,
    trace_squared,
)
from lora_proofs.writing.entry_functions import check_understood, derivative
from lora_proofs.writing.entry_loss import (
    EntriesLoss,
    EntrywiseLoss,
    at_place,
    entry,
    in_words,
    units,
)
from lora_proofs.writing.word_loss import WordLoss, word_loss

__all__ = [
    "Cubic",
    "EntriesLoss",
    "EntrywiseLoss",
    "Frobenius",
    "Linear",
    "LogCosh",
    "Loss",
    "TraceSquared",
    "WordLoss",
    "cubic",
    "entrywise",
    "entrywise_sum",
    "frobenius",
    "from_sympy",
    "from_word",
    "linear",
    "log_cosh",
    "loss_from_instance",
    "trace_squared",
]

TAKEN = ("frobenius", "trace-squared", "log-cosh", "linear", "cubic")
RESERVED = ("A", "B", "W", "W0", "A0", "B0", "loss")


def from_word(
    name: str,
    value: w.Word,
    W: w.Symbol,
    *,
    convex: bool | None = None,
    lipschitz: Any = None,
) -> WordLoss:
    """The loss f(W) whose value is a word in the matrix symbol W; its other symbols are data.

    ``loss.on(instance)`` takes the data from the fields of the same names. ``convex`` and
    ``lipschitz`` (a number, or a function of n and m) are what you declare; nothing that is
    certified rests on them. Raises ``BadInput`` for a name that is taken, ``NotUnderstood`` for
    a word that cannot be differentiated.

    >>> from lora_proofs.arithmetic import EXACT
    >>> W, P = w.Symbol("W", "n", "m"), w.Symbol("P", "n", "n")
    >>> weighted = from_word("weighted", w.squared_norm(P @ W) / 2, W)
    >>> weighted.with_data(P=[[2]]).gradient(EXACT.matrix([[3]]), EXACT)
    array([[12]], dtype=object)
    """
    _named(name)
    if not isinstance(W, w.Symbol):
        raise BadInput(f"loss {name}: expected W as a matrix symbol, got {W!r}")
    if not isinstance(value, w.Word) or value.shape is not None:
        raise BadInput(f"loss {name}: expected a scalar word as its value, got {value!r}")
    loss = word_loss(name, value, W, declared_convex=convex, constant=lipschitz)
    _no_clash(name, [s for s, _ in loss.data], loss.shape)
    return loss


def from_sympy(
    name: str,
    value: Any,
    W: Any,
    *,
    convex: bool | None = None,
    lipschitz: Any = None,
) -> WordLoss | EntriesLoss:
    """The loss f(W) whose value is a SymPy expression in the ``MatrixSymbol`` W.

    The expression is one of matrices (traces, products, transposes, inverses) of symbolic shapes,
    or one of the entries ``W[i, j]`` of an explicit shape; other matrix symbols are data, as in
    ``from_word``. Raises ``NotUnderstood`` for a function that no arithmetic has.

    >>> import sympy as sp
    >>> from lora_proofs.arithmetic import EXACT
    >>> n, m = sp.symbols("n m", integer=True, positive=True)
    >>> W = sp.MatrixSymbol("W", n, m)
    >>> quartic = from_sympy("quartic", sp.Trace(W.T * W) ** 2 / 4, W)
    >>> quartic.gradient(EXACT.matrix([[1, 2]]), EXACT)
    array([[5, 10]], dtype=object)
    """
    import sympy as sp

    from lora_proofs.symbolic.sympy_bridge import from_sympy as read

    _named(name)
    if not isinstance(W, sp.MatrixSymbol):
        raise BadInput(f"loss {name}: expected W as a SymPy MatrixSymbol, got {W!r}")
    declared = {"convex": convex, "lipschitz": lipschitz}
    if all(isinstance(d, sp.Integer) for d in W.shape):
        return _of_entries(name, value, W, declared)
    variable = read(W)
    assert isinstance(variable, w.Symbol)
    return from_word(name, read(value), variable, **declared)


def entrywise_sum(
    name: str,
    phi: Any,
    *,
    target: bool = True,
    convex: bool | None = None,
    lipschitz: Any = None,
) -> EntrywiseLoss:
    """f(W) = sum_ij phi(W_ij - Y_ij), with phi a SymPy expression in one symbol.

    Y is drawn beside the problem and taken by ``loss.on(instance)``; there is none where
    ``target`` is false. Raises ``NotUnderstood`` for a function that no arithmetic has.

    >>> import sympy as sp
    >>> from lora_proofs.arithmetic import EXACT
    >>> z = sp.Symbol("z")
    >>> quartic = entrywise_sum("quartic", z**4 / 4)
    >>> quartic.with_data(Y=[[1]]).gradient(EXACT.matrix([[3]]), EXACT)
    array([[8]], dtype=object)
    """
    import sympy as sp

    _named(name)
    phi = sp.sympify(phi)
    symbols = sorted(phi.free_symbols, key=str)
    if len(symbols) != 1:
        raise BadInput(f"loss {name}: expected phi in one symbol, got {phi} in {symbols}")
    for expression in (phi, derivative(phi, *symbols), derivative(phi, *symbols * 2)):
        check_understood(expression)
    return EntrywiseLoss(name, phi, symbols[0], target, declared_convex=convex, constant=lipschitz)


def _of_entries(name: str, value: Any, W: Any, declared: Any) -> WordLoss | EntriesLoss:
    """A loss of an explicit shape: in words where it is a polynomial of the entries."""
    import sympy as sp

    matrices = sorted(value.atoms(sp.MatrixSymbol), key=str)
    for X in matrices:
        if not all(isinstance(d, sp.Integer) for d in X.shape):
            raise BadInput(f"loss {name}: expected explicit shapes as W has one, got {X.shape}")
    _no_clash(name, [X for X in matrices if X != W], ())
    plain, entries = _explicit(value, [W, *(X for X in matrices if X != W)])
    check_understood(plain)
    if plain.is_polynomial(*(x for symbols in entries.values() for x in symbols)):
        return _entries_in_words(name, plain, entries, W, declared)
    others = tuple((X.name, symbols) for X, symbols in entries.items() if X != W)
    shape = (int(W.shape[0]), int(W.shape[1]))
    return EntriesLoss(
        name,
        plain,
        shape,
        entries[W],
        others,
        declared_convex=declared["convex"],
        constant=declared["lipschitz"],
    )


def _entries_in_words(
    name: str, plain: Any, entries: Mapping[Any, tuple[Any, ...]], W: Any, declared: Any
) -> WordLoss:
    """A polynomial of the entries as a loss in words, each entry a trace with unit vectors."""
    shapes = {X: (int(X.shape[0]), int(X.shape[1])) for X in entries}
    words = {X: w.Symbol(X.name, n, m) for X, (n, m) in shapes.items()}
    values = {
        x: entry(words[X], i, j)
        for X, symbols in entries.items()
        for x, (i, j) in zip(symbols, _places(X), strict=True)
    }
    slope = w.Sum(
        tuple(
            in_words(derivative(plain, x), values) * at_place(i, j, *shapes[W])
            for x, (i, j) in zip(entries[W], _places(W), strict=True)
        )
    )
    return word_loss(
        name,
        in_words(plain, values),
        words[W],
        constants=units(*(d for shape in shapes.values() for d in shape)),
        slope=slope,
        declared_convex=declared["convex"],
        constant=declared["lipschitz"],
    )


def _explicit(value: Any, matrices: list[Any]) -> tuple[Any, dict[Any, tuple[Any, ...]]]:
    """The expression in symbols of the entries, and those symbols, matrix by matrix."""
    import sympy as sp

    if strange := sorted(value.atoms(sp.Symbol), key=str):
        raise NotUnderstood(
            f"expected the entries of {', '.join(X.name for X in matrices)} alone, as in "
            f"{matrices[0].name}[0, 0]; got the symbol {strange[0]}"
        )
    entries = {
        X: tuple(sp.Symbol(f"{X.name}_{i + 1},{j + 1}") for i, j in _places(X)) for X in matrices
    }
    written = {X: sp.ImmutableMatrix(*X.shape, symbols) for X, symbols in entries.items()}
    plain = value.subs(written).doit()
    if getattr(plain, "is_Matrix", False) or plain.atoms(sp.MatrixSymbol):
        raise NotUnderstood(f"expected a number made of the entries, got {plain}")
    return plain, entries


def _places(X: Any) -> list[tuple[int, int]]:
    return [(i, j) for i in range(int(X.shape[0])) for j in range(int(X.shape[1]))]


def _named(name: str) -> None:
    if not isinstance(name, str) or not name or name in TAKEN:
        raise BadInput(
            f"expected a name for the loss that is none of {', '.join(TAKEN)}; got {name!r}"
        )


def _no_clash(name: str, data: Any, shape: Any) -> None:
    dimensions = [*shape, *(d for s in data for d in getattr(s, "shape", None) or ())]
    if "r" in map(str, dimensions):
        raise BadInput(f"loss {name}: r is the rank of the adapters; rename that dimension")
    for symbol in data:
        if symbol.name in map(str, dimensions):
            raise BadInput(
                f"loss {name}: {symbol.name} is a dimension and stands for a number too; write a "
                "number of another name in its place, which instances carry as data"
            )
        if symbol.name in RESERVED:
            raise BadInput(
                f"loss {name}: {symbol.name} stands for another thing in a flow; rename the symbol"
            )
