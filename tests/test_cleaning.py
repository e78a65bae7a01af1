"""What a claim says can neither hide in a report nor turn what stands around it."""

import sys
import unicodedata

import pytest

from lora_proofs.report.cleaning import clean, cleaned

VISIBLE = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
"""Marks that enclose the digits after them: of the category of controls, and seen."""
FILLERS = (0x034F, 0x115F, 0x1160, 0x17B4, 0x180E, 0x2800, 0x3164, 0xFE0F, 0xFFA0, 0xE0041, 0xE0100)


def test_no_sign_of_the_category_of_controls_is_kept():
    signs = [chr(k) for k in range(sys.maxunicode + 1) if unicodedata.category(chr(k)) == "Cf"]
    kept = {ord(sign) for sign in signs if clean(sign) == sign}
    assert kept <= VISIBLE


@pytest.mark.parametrize("sign", FILLERS)
def test_fillers_that_look_like_nothing_are_seen(sign):
    assert clean(f"a{chr(sign)}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_what_a_face_may_set_is_kept_and_what_turns_text_is_not():
    assert cleaned("f\N{FUNCTION APPLICATION}x\N{SOFT HYPHEN}y") == "f\u2061x\u00ady"
    for sign in "\u061c\u202e\u2066\U000e0041":
        assert cleaned(sign) == "\N{REPLACEMENT CHARACTER}"


def test_words_of_any_language_are_kept():
    for text in ("Γρ. Ω ≤ ‖BA‖", "한국어", "русский", "日本語", "é e\u0301", "\u0627\u0644"):
        assert clean(text) == text
