"""What an exception says, in words that can always be had."""

from __future__ import annotations


def message(error: BaseException) -> str:
    """The text of an exception; a claim may raise one whose own text raises.

    >>> message(ValueError("too small")), message(ValueError())
    ('too small', '')
    """
    try:
        return str(error)
    except BaseException as second:
        return f"its text cannot be read: __str__ raises {type(second).__name__}"


def shown(error: BaseException) -> str:
    """Type and text of an exception.

    >>> shown(ValueError("too small"))
    'ValueError: too small'
    """
    return f"{type(error).__name__}: {message(error)}"
