"""docs/curation-tags.md, from the tags themselves: ``python -m praxino.curation.reference``."""

import sys

from praxino.curation.tags import TAGS

HEAD = """# What is measured of a shot

`praxino curate` writes these tags once for every shot; recipes judge them later, as often as one likes. A tag that
could not be measured is empty. Pictures are looked at closely every half second, upright, with square pixels, of at
most 720 lines, inside black bars; of those looks the median counts. Motion is measured between all frames, on a small
picture.

| tag | unit | range | what it says | after |
| --- | --- | --- | --- | --- |
"""
FOOT = """
Faces, watermarks, aesthetics and safety need learned weights; none are shipped. What has a `name` and a
`score(scan, begin, end)` is a `Scorer` (`praxino.curation.tags`), whose tag is written beside these.

The sources: Hasler & Suesstrunk, *Measuring colourfulness in natural images* (2003); Immerkaer, *Fast noise variance
estimation* (1996); Pech-Pacheco et al., *Diatom autofocusing in brightfield microscopy* (2000); Wang, Sheikh & Bovik,
*No-reference perceptual quality assessment of JPEG compressed images* (2002); Zhuo & Sim, *Defocus map estimation from
a single image* (2011); UltraVideo (2025), for the limits of crushed and blown-out pixels.
"""


def reference() -> str:
    """The page, as Markdown."""
    rows = (
        f"| `{name}` | {about.unit} | {about.range} | {about.says} | {about.source} |\n" for name, about in TAGS.items()
    )
    return HEAD + "".join(rows) + FOOT


if __name__ == "__main__":
    sys.stdout.write(reference())
