"""`praxino`: the commands, opened only when they are called, and one door for all that goes wrong."""

import logging
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import praxino
from praxino import heap

COMMANDS = {  # name (and module of praxino.cli, with its `app`): what --help says of it
    "generate": "Make a film from words, a picture or a clip.",
    "finish": "Show the film of a draft at full size.",
    "retake": "Make some seconds of a film again.",
    "quote": "Say what a film will cost, before it is made.",
    "plan": "Say how many devices a service needs, before they are rented.",
    "resume": "Finish an interrupted film from its journal.",
    "verify": "Say whether this machine makes a film again exactly.",
    "inspect": "Show the recipe, the label and the signed manifest that a film carries.",
    "serve": "Serve films over HTTP, to programs and people.",
    "work": "Make the films that a service takes on.",
    "keys": "Make API keys, list them, take them back.",
    "people": "Let people in, invite them, give them roles.",
    "credits": "Show credits, give some, and make plans.",
    "models": "List, show, import, check and remove models.",
    "world": "Render the synthetic world that models learn from.",
    "curate": "Make a dataset of raw footage.",
    "prove": "Say whether curation helps a model to learn.",
    "train": "Teach a model, in a time box.",
    "tune": "Teach a model your own clips, in a time box.",
    "evaluate": "Judge a model by films of the world suite.",
    "bench": "Measure how fast this machine is.",
}
COMPLETION = {"install_completion", "show_completion"}  # options of the program, not of each command
USAGE, INTERRUPTED, TERMINATED = 2, 130, 143  # exit codes
WORDY = ("torchao", "torch.utils._pytree", "diffusers.quantizers")
"""Loggers that warn, where torchao is installed, of kernels and classes that nobody here asked for."""


class LazyGroup(TyperGroup):
    """Commands whose modules are imported when they are called, not when they are listed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, help_text in COMMANDS.items():
            if find_spec(f"praxino.cli.{name}"):
                self.add_command(TyperCommand(name, help=help_text))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the command itself in the place of its line in --help."""
        if args and args[0] in COMMANDS and args[0] in self.commands:
            self.commands[args[0]] = opened(args[0])
        return super().resolve_command(ctx, args)


def opened(name: str) -> Any:
    """The command of this name, imported."""
    command = typer.main.get_command(import_module(f"praxino.cli.{name}").app)
    command.name = name
    command.params = [param for param in command.params if param.name not in COMPLETION]
    return command


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"praxino {praxino.__version__}")
        raise typer.Exit


@app.callback()
def _praxino(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Make video from words, pictures and clips, on your own machine."""


def main() -> None:
    """Run the command line and exit."""
    heap.keep()
    for name in WORDY:
        logging.getLogger(name).setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells hand it down ignored to what runs behind them
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code. Bad input is one line on stderr and 2, an interruption 130."""
    try:
        code = typer.main.get_command(app).main(list(arguments), prog_name="praxino", standalone_mode=False)
    except KeyboardInterrupt:
        return _said("stopped; nothing half-written is left", INTERRUPTED)
    except typer.Abort:
        return _said("stopped", INTERRUPTED)
    except typer.TyperException as error:  # a command line that does not parse; without a message, help was shown
        return _said(error.format_message(), USAGE) if error.format_message() else USAGE
    except BrokenPipeError:  # whoever read our output has gone: nothing to say, and no one to say it to
        sys.stdout = None
        return 1
    except ValueError as error:
        return _said(str(error), USAGE)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _said(f"{place}{error.strerror or error}; choose another place", USAGE)
    if code == INTERRUPTED:
        return _said("stopped; nothing half-written is left", INTERRUPTED)
    return code if isinstance(code, int) else 0


def _said(problem: str, code: int) -> int:
    lines = problem.strip().splitlines()
    print("praxino: " + " ".join(line.strip() for line in lines), file=sys.stderr)  # noqa: T201 - before any console
    return code


def _terminated(_number: int, _frame: FrameType | None) -> None:
    """Leave through every `finally`, so that nothing half-written stays."""
    raise SystemExit(TERMINATED)


if __name__ == "__main__":
    main()
