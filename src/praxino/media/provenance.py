"""The signed mark of a film: a C2PA manifest that says it is AI-made, and how.

It is the last thing that happens to a film's file, for it vouches for every byte outside itself; whatever muxes the
file again loses it. Signed with the operator's certificate where there is one, else with this installation's own.
"""
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportAttributeAccessIssue=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import errno
import json
import shutil
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from praxino.media import labels, signing

CREATED = "c2pa.created"
AI_MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"  # IPTC: made by a trained model
PARTLY = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
ASSERTION = "praxino.recipe"
MP4 = "video/mp4"
BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # what the box of a manifest is called in an MP4
MOST_CLAIMED = 2**20  # bytes of JSON that c2pa takes
MOST_BYTES = 4 * 2**20  # of a manifest as JSON; a recipe has a tenth of that
# What certificates may be for: e-mail, documents, time stamps, OCSP; Microsoft's and C2PA's own number for claims.
PURPOSES = (
    "1.3.6.1.5.5.7.3.4",
    "1.3.6.1.5.5.7.3.36",
    "1.3.6.1.5.5.7.3.8",
    "1.3.6.1.5.5.7.3.9",
    "1.3.6.1.4.1.311.76.59.1.9",
    "1.3.6.1.4.1.62558.2.1",
)
# Nothing is fetched: a file may name addresses, and reading it must not be a way to have us call them.
SETTINGS: Mapping[str, Any] = {
    "core": {"backing_store_memory_threshold_in_mb": 16},  # beyond that on disk: memory must not grow with films
    "builder": {"thumbnail": {"enabled": False}},
    "trust": {"trust_config": "\n".join(PURPOSES)},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True},
}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a film's manifest says, and whether it may be believed."""

    valid: bool  # signed by whoever it names, and not a byte of the film is another since
    issuer: str  # of the certificate, as it calls itself; "" where that cannot be read
    ai_made: bool  # says that a model made it, or a part of it
    recipe: dict[str, Any] | None
    made_here: bool  # valid, and signed with this installation's certificate


def settle(whole: Path, path: Path, metadata: Mapping[str, str]) -> None:
    """Give a whole film its name: one with a recipe signed, any other as it is. ``whole`` is gone
    afterwards.

    Raises ValueError where it cannot be signed, and then there is nothing at ``path`` that was not there before.
    """
    if labels.RECIPE not in metadata:
        whole.replace(path)
        return
    signed = whole.with_name(f"{whole.name}.signed.tmp")
    try:
        sign(whole, signed, json.loads(metadata[labels.RECIPE]))
        signed.replace(path)
    finally:
        for left in (whole, signed):
            left.unlink(missing_ok=True)


def sign(film: Path, into: Path, recipe: Mapping[str, Any]) -> None:
    """Write the film with a manifest that says it was made by ``recipe``.

    Raises ValueError where it cannot be signed, OSError where it cannot be written.
    """
    import c2pa

    who = signing.identity()
    try:
        info = c2pa.C2paSignerInfo(who.algorithm, who.chain.encode(), who.key.encode(), None)  # no time-stamp server
        context = c2pa.Context(c2pa.Settings.from_dict(dict(SETTINGS)), c2pa.Signer.from_info(info))
        with (
            c2pa.Builder(_manifest(recipe), context=context) as builder,
            film.open("rb") as source,
            into.open("w+b") as signed,
        ):
            builder.sign(MP4, source, signed)
    except c2pa.C2paError.Io as error:
        full = shutil.disk_usage(into.parent).free < 2**20
        raise OSError(errno.ENOSPC if full else errno.EIO, _first_line(error), str(into)) from None
    except c2pa.C2paError as error:
        raise ValueError(f"{film} cannot be signed with {who.source} ({_first_line(error)}); {who.remedy}") from None


def read_manifest(path: Path) -> Manifest | None:
    """The manifest that a film carries; None where it carries none. Raises ValueError where there is no such file."""
    return manifest_of(path, signing.certificates())


def manifest_of(path: Path, ours: Sequence[str]) -> Manifest | None:
    """The same, for whoever calls the certificates ``ours`` their own. Nothing is fetched."""
    import c2pa

    if not path.is_file():
        raise ValueError(f"{path} does not exist; give an MP4 that Praxino made")
    anchors = "".join(signing.anchor(chain) for chain in ours)
    settings = dict(SETTINGS) | ({"trust": SETTINGS["trust"] | {"user_anchors": anchors}} if anchors else {})
    try:
        with (
            path.open("rb") as file,
            c2pa.Reader(MP4, file, context=c2pa.Context(c2pa.Settings.from_dict(settings))) as reader,
        ):
            text = reader.json()
    except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported, c2pa.C2paError.RemoteManifest):
        return None
    except c2pa.C2paError:
        with path.open("rb") as file:
            return _UNREADABLE if BOX in file.read(2**20) else None
    return _told(text, {signing.serial(chain) for chain in ours})


_UNREADABLE = Manifest(valid=False, issuer="", ai_made=False, recipe=None, made_here=False)


def _manifest(recipe: Mapping[str, Any]) -> str:
    """What is claimed of a film, as JSON. A recipe that is too long stands in the metadata only; that is signed too."""
    made = labels.versions().get("praxino", "")
    actions = {"actions": [{"action": CREATED, "digitalSourceType": AI_MADE}]}
    told: dict[str, Any] = {
        "claim_generator_info": [{"name": "Praxino"} | ({"version": made} if made else {})],
        "format": MP4,
        "assertions": [{"label": "c2pa.actions.v2", "data": actions}],
    }
    short = json.dumps(told)
    told["assertions"].append({"label": ASSERTION, "data": dict(recipe), "kind": "Json"})
    whole = json.dumps(told, ensure_ascii=False, allow_nan=False)
    return whole if len(whole.encode()) < MOST_CLAIMED else short


def _told(text: str, ours: AbstractSet[str]) -> Manifest:
    """What a store of manifests, as c2pa shows it, says of the film it is in."""
    if len(text) > MOST_BYTES:
        return _UNREADABLE
    try:
        store = labels.sound(text) or {}
        active: dict[str, Any] = store["manifests"][store["active_manifest"]]
        signature: dict[str, Any] = active.get("signature_info") or {}
        assertions: list[dict[str, Any]] = active.get("assertions") or []
        recipes = [each.get("data") for each in assertions if each.get("label") == ASSERTION]
        kinds = [
            action.get("digitalSourceType")
            for each in assertions
            if str(each.get("label")).startswith("c2pa.actions")
            for action in each["data"]["actions"]
        ]
    except (KeyError, TypeError, AttributeError):
        return _UNREADABLE
    state = store.get("validation_state")
    recipe = recipes[0] if recipes else None
    return Manifest(
        valid=state in {"Valid", "Trusted"},
        issuer=str(signature.get("issuer") or ""),
        ai_made=any(kind in {AI_MADE, PARTLY} for kind in kinds),
        recipe=cast("dict[str, Any]", recipe) if isinstance(recipe, dict) else None,
        made_here=state == "Trusted" and signature.get("cert_serial_number") in ours,
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
