"""The leading error of gradient descent on one instance, to any number of digits or in balls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lora_proofs.mathematics.leading_error import LeadingError
from lora_proofs.mathematics.losses import Loss
from lora_proofs.mathematics.words import Symbol, Word
from lora_proofs.solving.flow_field import FlowField
from lora_proofs.symbolic.differential import expand, gradient, replace_symbols


def leading_error_field(loss: Loss, W0: Any, A0: Any, B0: Any, mode: str) -> FlowField:
    """The flow of A and B together with the leading error e_A, e_B of gradient descent in a mode.

    W0: n x m, A0: r x m and B0: n x r are exact rows; ``mode`` is ``simultaneous``, ``A-first``
    or ``B-first``. After k steps of size h the factors are A + h e_A and B + h e_B at time kh, up
    to terms in h^2. Raises ``BadInput`` for another mode; the loss has to be a polynomial.
    Backward error analysis, Hairer, Lubich and Wanner, chapter IX.

    >>> from lora_proofs.mathematics.losses import frobenius
    >>> field = leading_error_field(frobenius([[2]]), [[0]], [[1]], [["1/4"]], "A-first")
    >>> print(f"{float(field.taylor(1, digits=20)['e_B'][0, 0]):.12f}")
    0.197893984877
    """
    words = words_of(loss)
    return _field(loss, words, words.rates(mode), (W0, A0, B0))


def gap_field(loss: Loss, W0: Any, A0: Any, B0: Any, mode: str) -> FlowField:
    """The flow together with e_A, e_B of a sequential mode minus those of simultaneous steps.

    Arguments and errors as in ``leading_error_field``: after k steps of size h the two modes are
    h e apart at time kh, up to terms in h^2.

    >>> from lora_proofs.mathematics.losses import frobenius
    >>> field = gap_field(frobenius([[2]]), [[0]], [[1]], [["1/4"]], "A-first")
    >>> print(f"{float(field.taylor(1, digits=20)['e_B'][0, 0]):.12f}")
    -0.106663478689
    """
    words = words_of(loss)
    return _field(loss, words, words.gap_rates(mode), (W0, A0, B0))


def _field(
    loss: Loss, words: LeadingError, rates: Mapping[Symbol, Word], start: tuple[Any, Any, Any]
) -> FlowField:
    W0, A0, B0 = start
    e_A, e_B = words.errors
    W = words.W0 + words.B @ words.A
    values = {words.W0: W0, words.A: A0, words.B: B0, e_A: _zeros(A0), e_B: _zeros(B0)}
    expanded = {symbol: expand(word) for symbol, word in rates.items()}
    return FlowField(expanded, {}, {**values, **loss.symbols(W)}, None)


def words_of(loss: Loss) -> LeadingError:
    """The words of the leading error for a loss, with its derived gradient."""
    m = "n" if loss.name == "trace-squared" else "m"
    variable = Symbol("W", "n", m)
    slope = gradient(loss.value_word(variable), variable)

    def at(point: Word) -> Word:
        return replace_symbols(slope, {variable: point})

    return LeadingError(Symbol("A", "r", m), Symbol("B", "n", "r"), Symbol("W0", "n", m), at)


def _zeros(rows: Any) -> list[list[int]]:
    return [[0] * len(row) for row in rows]
