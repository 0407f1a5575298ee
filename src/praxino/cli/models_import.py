"""`praxino models import` and `export`: open weights as a model's folder, and back."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from praxino import checkpoint, geometry


def import_(
    source: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder (or file) of safetensors weights; a LoRA, with --beside.")
    ],
    into: Annotated[Path, typer.Option(help="The model's folder, to be made.")],
    name: Annotated[str | None, typer.Option(help="What it is called; its folder's name otherwise.")] = None,
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="I have read its licence.")] = False,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None, typer.Option(help="Type of the weights; as they are.")
    ] = None,
    lora: Annotated[list[Path] | None, typer.Option(help="A LoRA to merge; may be said again.")] = None,
    lora_2: Annotated[
        list[Path] | None, typer.Option(help="The same for the second of two transformers that take turns.")
    ] = None,
    beside: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Keep the LoRA, and those of --lora, beside this model.")
    ] = None,
    strength: Annotated[
        list[float] | None, typer.Option(help="Of each LoRA beside a model, in their order; 1 where it is not said.")
    ] = None,
    chunk: Annotated[int | None, typer.Option(min=1, help="Latent frames that see each other.")] = None,
    window: Annotated[int | None, typer.Option(min=0, help="Past chunks that a chunk sees.")] = None,
    sink: Annotated[int | None, typer.Option(min=0, help="First chunks that every chunk sees.")] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Native size of its films; that of the weights.")
    ] = None,
    parts: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where Wan's autoencoder and text encoder are, if not with the weights."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Import a model of the Wan family, a pipeline of diffusers of another family, or a LoRA; in safetensors."""
    if beside is not None:
        if any((dtype, chunk, window, sink, size, parts)):
            raise ValueError(
                "a LoRA is kept as it is; leave --dtype, --chunk, --window, --sink, --size and --parts out"
            )
        files = {"transformer": [source, *(lora or ())], "transformer_2": lora_2 or []}
        _tell(_kept(files, strength or [], (beside, into), (name, accept_licence)), into, as_json=as_json)
        return
    if strength:
        raise ValueError("--strength is of a LoRA that is kept beside a model; name that with --beside")
    import torch

    from praxino.generation import pipelines_import, wan_import
    from praxino.transformer.wan_import import Terms

    native = geometry.parse_size(size) if size else None
    if pipelines_import.recognised(source):
        if any((dtype, lora, lora_2, chunk, window, sink, parts)):
            raise ValueError(
                "a pipeline is imported as it is; leave --dtype, --lora, --lora-2, --chunk, --window, --sink and"
                " --parts out"
            )
        terms = pipelines_import.Terms(name=name, accepted=accept_licence, size=native)
        _tell(pipelines_import.bring(source, into, terms), into, as_json=as_json)
        return
    sight = (("chunk", chunk), ("window", window), ("sink", sink))
    about = wan_import.bring(
        source,
        into,
        Terms(
            name=name,
            accepted=accept_licence,
            dtype=getattr(torch, dtype) if dtype else None,
            loras=tuple(lora or ()),
            loras_2=tuple(lora_2 or ()),
            sight=tuple((key, value) for key, value in sight if value is not None),
        ),
        wan_import.Whole(parts=parts, size=native),
    )
    _tell(about, into, as_json=as_json)


def _kept(
    files: dict[Any, list[Path]], strength: list[float], where: tuple[str, Path], said: tuple[str | None, bool]
) -> dict[str, Any]:
    """LoRA files, of each part of the base, beside it."""
    from praxino.generation import look_import

    (base, into), count = where, sum(map(len, files.values()))
    if len(strength) > count:
        raise ValueError(f"--strength is said {len(strength)} times for {count} LoRA; say it once for each")
    each = iter([*strength, *[1.0] * count])
    loras = [look_import.Given(path=path, strength=next(each), part=part) for part in files for path in files[part]]
    terms = look_import.Terms(name=said[0], accepted=said[1])
    return look_import.bring(loras, checkpoint.find(base, partial=True), into, terms)


def _tell(about: dict[str, Any], into: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(about | {"folder": str(into)}, ensure_ascii=False))
        return
    size = sum(file.stat().st_size for file in checkpoint.weights(into)) / 1e6
    digest = (checkpoint.hashes(into).get(checkpoint.WEIGHTS) or checkpoint.digest(into))[:16]
    typer.echo(f"{about['name']}  {size:.1f} MB  {digest}  licence {about['licence']['id']}  {into}")
    if absent := checkpoint.lacks(about):
        typer.echo(f"  it cannot make films yet: it has no {' and no '.join(absent)}; --parts says where they are")


def export(
    model: Annotated[str, typer.Argument(help="A model that was imported.")],
    into: Annotated[Path, typer.Option(help="The folder to be made.")],
    layout: Annotated[
        Literal["diffusers", "original"], typer.Option(help="Whose names the weights get.")
    ] = "diffusers",
) -> None:
    """Write an imported model as open weights: for diffusers with all that it has, else its transformers alone."""
    from praxino.generation import wan_export

    folder = checkpoint.find(model, partial=True)
    parts = wan_export.send(folder, into, layout=layout)
    size = sum(file.stat().st_size for file in into.rglob("*") if file.is_file()) / 1e6
    typer.echo(f"{into}: {size:.1f} MB in {layout}'s layout: {', '.join(parts) or 'a transformer'}")
