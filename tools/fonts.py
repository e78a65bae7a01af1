"""Make the fonts of the HTML report: subsets of TeX Gyre Pagella, as woff2, under names of our own.

    apt-get install fonts-texgyre fonts-texgyre-math
    python -m pip install fonttools brotli
    python tools/fonts.py [FOLDER OF THE TEX-GYRE FOLDERS]

Equal versions of the fonts, of fontTools and of brotli give equal bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

SOURCE = Path("/usr/share/texmf/fonts/opentype/public")
TARGET = Path(__file__).parents[1] / "lora_proofs" / "report" / "fonts"
FACES = {
    "text-regular": "tex-gyre/texgyrepagella-regular.otf",
    "text-italic": "tex-gyre/texgyrepagella-italic.otf",
    "text-bold": "tex-gyre/texgyrepagella-bold.otf",
    "math": "tex-gyre-math/texgyrepagella-math.otf",
}
# Inclusive ranges: Latin, punctuation, and for formulas what LaTeX's usual commands give.
_LATIN = "20-7e a0-ff 131 152-153 160-161 178 17d-17e 2010-2015 2018-201e 2020-2022 2026 2032-2033"
_TEXT = f"{_LATIN} 100-130 132-151 154-15f 162-177 179-17c 218-21b 2212"
_ACCENTS = "2c6-2c7 2d8-2dc 302-308 30a 30c 332-333 20d7 203e af"
_GREEK = "391-3a9 3b1-3c9 3d1 3d5 3f0-3f1 3f4-3f5"
_LETTERS = "210b-210c 210e-2112 2115 2118-211d 2124 2128 212c-2135"
_ITALIC = "1d434-1d467 1d6a4-1d6a5 1d6e2-1d71b"
_ALPHABETS = "1d400-1d433 1d468-1d49b 1d49c-1d4b5 1d538-1d56b 1d6a8-1d6e1 1d71c-1d755"
_SIGNS = (
    "2034 2057 2016 2190-2199 21a6 21d0-21d5 2200-2213 2215-221e 2220-222e 2234-223c 2243 2245 "
    "2248 224d 2260-2265 226a-226b 2270-2273 227a-227b 2282-228b 2293-2299 22a2-22a5 22c0-22c6 "
    "22ee-22f1 2308-230b 2329-232a 25a1 25b3 27e6-27eb 27f5-27f8 2a00-2a06 2a7d-2a7e 2aaf-2ab0"
)
_BRACES = "2320-2321 239b-23b3 23b4-23b5 23dc-23e1"
_SPACES = "2002-200a 2061-2064"
_MATH = " ".join(
    (_LATIN, _ACCENTS, _GREEK, _LETTERS, _ITALIC, _ALPHABETS, _SIGNS, _BRACES, _SPACES)
)


def characters(ranges: str) -> list[int]:
    """The code points of hexadecimal ranges.

    >>> characters("41-43 61")
    [65, 66, 67, 97]
    """
    ends = ([int(end, 16) for end in part.split("-")] for part in ranges.split())
    return [code for end in ends for code in range(end[0], end[-1] + 1)]


def subset(font: TTFont, name: str, wanted: Iterable[int]) -> TTFont:
    """The font with the wanted characters and the pieces that they stretch to."""
    options = Options()
    options.layout_features = ["kern", "liga", "mark", "mkmk", "ccmp", "locl", "tnum", "lnum"]
    options.drop_tables += ["FFTM", "DSIG"]
    _raised(font)
    options.name_IDs = [0, 13, 14]  # whose work it is, and under which licence
    options.hinting = False
    options.notdef_outline = True
    chosen = Subsetter(options)
    chosen.populate(unicodes=wanted)
    chosen.subset(font)
    _renamed(font, f"lora-proofs {name}")
    return font


def _raised(font: TTFont) -> None:
    """Primes as superscripts have them: the sets of such signs would double the file."""
    features = font["GSUB"].table.FeatureList.FeatureRecord
    lookups = font["GSUB"].table.LookupList.Lookup
    scripts = [i for f in features if f.FeatureTag == "ssty" for i in f.Feature.LookupListIndex]
    for i in scripts[:1]:
        others = {k: v for part in lookups[i].SubTable for k, v in _first(part).items()}
        for table in font["cmap"].tables:
            for code in (0x2032, 0x2033, 0x2034, 0x2057):
                if code in table.cmap:
                    table.cmap[code] = others.get(table.cmap[code], table.cmap[code])


def _first(part: Any) -> dict[str, str]:
    """The first substitute of each glyph."""
    found = getattr(part, "ExtSubTable", part)
    if hasattr(found, "alternates"):
        return {glyph: names[0] for glyph, names in found.alternates.items()}
    return dict(found.mapping)


def _renamed(font: TTFont, name: str) -> None:
    """A name of its own, as the fonts' licence asks of what is derived from them."""
    for key in (1, 3, 4, 6):
        font["name"].setName(name.replace(" ", "-") if key == 6 else name, key, 3, 1, 0x409)
    if "CFF " in font:
        font["CFF "].cff.fontNames = [name.replace(" ", "-")]
        top = font["CFF "].cff.topDictIndex[0]
        top.FullName = top.FamilyName = name


def main(source: Path = SOURCE) -> None:
    """Write all faces."""
    TARGET.mkdir(exist_ok=True)
    for name, path in FACES.items():
        # The time of the original stays in the head: the bytes do not depend on today.
        font = TTFont(source / path, recalcTimestamp=False)
        small = subset(font, name, characters(_MATH if name == "math" else _TEXT))
        small.flavor = "woff2"
        small.save(TARGET / f"{name}.woff2")
        print(f"{name}.woff2: {(TARGET / f'{name}.woff2').stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
