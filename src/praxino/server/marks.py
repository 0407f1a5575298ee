"""The process behind `inspect`: read a stranger's film for its marks, within limits; one line of JSON.

It works in a folder of its own, like `decode`, and has no key: only the certificates, which are no secret.
"""

import json
import os
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from praxino.server.decode import FILE, bound

FILM = re.compile(rb".{4}ftyp", re.DOTALL)
PICTURES = re.compile(rb".{4}ftyp(hei[cmsx]|hev[cx]|mif1|msf1|avi[fs])", re.DOTALL)
MOST = 2**20  # characters of a mark; the longest recipe has a fifth of that


def main() -> None:
    """Arguments: the folder; limits and our certificates as JSON."""
    room, told = Path(sys.argv[1]), json.loads(sys.argv[2])
    bound(told)
    os.chdir(room)
    import av  # noqa: F401 - what cannot be loaded is not the file's fault
    import c2pa  # noqa: F401

    from praxino.media import provenance  # noqa: F401

    try:
        found = _looked(told["ours"])
    except Exception:  # noqa: BLE001 - whatever a stranger's file does to what reads it
        found = {"code": "broken_media", "message": "the file cannot be read; send a whole MP4"}
    sys.stdout.write(json.dumps(found) + "\n")


def _looked(ours: list[str]) -> dict[str, Any]:
    """{"label", "recipe", "manifest"}, or {"code", "message"} of what is wrong. Raises anything where it is broken."""
    import av

    from praxino.media import labels, provenance

    with FILE.open("rb") as file:
        head = file.read(16)
    if not FILM.match(head) or PICTURES.match(head):
        return {"code": "unsupported_media", "message": "the file is no MP4; send a film as it was downloaded"}
    with av.open(str(FILE), format="mov", options={"protocol_whitelist": "file"}) as container:
        written = {name: text for name, text in container.metadata.items() if len(text) <= MOST}
    manifest = provenance.manifest_of(FILE, ours)
    return {
        "label": labels.label_in(written),
        "recipe": labels.recipe_in(written) or (manifest.recipe if manifest else None),
        "manifest": asdict(manifest) if manifest else None,
    }


if __name__ == "__main__":
    main()
