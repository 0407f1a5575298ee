"""Was this made here? A film, sent as a file, is read for its marks; nothing of it is kept."""

import json
import logging
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from praxino.media import signing
from praxino.server import intake
from praxino.server.decode import FILE
from praxino.server.errors import Problem
from praxino.server.openapi import errors
from praxino.server.service import Serving, Tenant, away
from praxino.server.videos import read_body

router = APIRouter(prefix="/v1/inspect", tags=["marks"])
logger = logging.getLogger("praxino.server")
STATUS = {"unsupported_media": 415, "media_too_large": 413}
"""Of refused media; others are 400."""
SAID = 16 * 2**20  # bytes: the most that is read of what the process says
FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary", "description": "The film, an MP4."}},
}


class ManifestObject(BaseModel):
    """What the C2PA manifest of a film says."""

    valid: bool = Field(description="Not a byte of the film was changed since it was signed.")
    issuer: str = Field(description="Who signed it, as the certificate calls itself; anybody can call themselves so.")
    ai_made: bool = Field(description="It says that a model made the film, or a part of it.")


class Marks(BaseModel):
    """What a film says of itself."""

    made_here: bool = Field(description="Signed with this installation's certificate, and not changed since.")
    label: dict[str, Any] | None = Field(description="The implicit label of GB 45438-2025.")
    recipe: dict[str, Any] | None = Field(description="What it was made from.")
    manifest: ManifestObject | None = Field(description="The C2PA manifest.")


@router.post(
    "",
    responses=errors(400, 413, 415, 503),
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}},
)
async def inspect(request: Request, service: Serving, _tenant: Tenant) -> Marks:
    """What marks a film carries, and whether it was made here."""
    body = await read_body(request, service, ("file",))
    try:
        odd = next(iter(body.values), None)
        if odd is not None:
            raise Problem(status=400, message=f"{odd[:60]!r} is not known here; send the film as the file 'file'",
                          code="unknown_parameter", param=odd[:60])  # fmt: skip
        if "file" not in body.uploads:
            raise Problem(status=400, message="file is missing; send a film, an MP4, in a form",
                          code="missing_parameter", param="file")  # fmt: skip
        async with service.intake:
            return await away(_marks, body.uploads["file"].path)
    finally:
        await away(body.remove)


def _marks(upload: Path) -> Marks:
    """Raises Problem where the file is no film, or a costly one."""
    try:
        found = _read(upload)
    except intake.Refused as refused:
        status = STATUS.get(refused.code, 400)
        raise Problem(status=status, message=f"file: {refused}", code=refused.code, param="file") from None
    manifest = found["manifest"]
    return Marks(
        made_here=manifest is not None and manifest["made_here"],
        label=found["label"],
        recipe=found["recipe"],
        manifest=None if manifest is None else ManifestObject.model_validate(manifest),
    )


def _read(upload: Path) -> dict[str, Any]:
    """What the process finds that reads the file. Raises Refused."""
    with TemporaryDirectory(prefix=".inspect.", dir=upload.parent) as folder:
        room = Path(folder).absolute()
        (room / FILE).symlink_to(upload.absolute())
        told = {**asdict(intake.LIMITS), "ours": _ours()}
        said = intake.child("praxino.server.marks", room, told, most=SAID)
    try:
        found = json.loads(said)
        if "code" in found:
            raise intake.Refused(str(found["code"]), str(found["message"]))
        return {name: found[name] for name in ("label", "recipe", "manifest")}
    except (KeyError, TypeError, json.JSONDecodeError):  # it died on the way
        raise intake.Refused("broken_media", "the file cannot be read; send a whole MP4") from None


def _ours() -> list[str]:
    try:
        return signing.certificates()
    except ValueError as error:  # the operator's business, and a film can be read all the same
        logger.warning("the certificates of this installation cannot be read", extra={"reason": str(error)})
        return []
