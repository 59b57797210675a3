"""Help pages and the words for wrong use, in the language of the user; typer by itself speaks English alone."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer import rich_utils
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from inventory.words import _

WHERE = _("The folder of the inventory; the current one where left out.")
Folder = Annotated[Path, typer.Argument(metavar="DIR", help=WHERE, show_default=False)]
Inventory = Annotated[Path, typer.Option("--in", metavar="DIR", help=WHERE, show_default=False)]
World = Annotated[
    Path, typer.Option("--world", metavar="FILE", help=_("How hosts and devices are reached: the file world.json."))
]
Json = Annotated[bool, typer.Option("--json", help=_("Print one JSON object for machines."))]


class WrongUse(typer.BadParameter):
    """A command was called with something that it cannot do; says why and what to do next."""

    def __init__(self, reason: str, mend: str) -> None:
        self.reason, self.mend = reason, mend
        super().__init__(_("{reason}; {mend}").format(reason=reason, mend=mend))


class _Speaking:
    """What commands and groups of commands have in common; typer's own types of contexts have no public names."""

    def get_help_option(self, ctx: Any) -> Any:
        option = cast("Any", super()).get_help_option(ctx)
        if option is not None:
            option.help = _("Show this page and end.")
        return option

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        # Typer puts what must be given into braces, which nobody types.
        pieces = " ".join(cast("Any", self).collect_usage_pieces(ctx)).translate({ord("{"): None, ord("}"): None})
        formatter.write_usage(ctx.command_path, pieces, prefix=_("Usage: "))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        rich_utils.ARGUMENTS_PANEL_TITLE = _("Arguments")
        rich_utils.OPTIONS_PANEL_TITLE = _("Options")
        rich_utils.COMMANDS_PANEL_TITLE = _("Commands")
        rich_utils.REQUIRED_LONG_STRING = _("[required]")
        for param in cast("Any", self).get_params(ctx):
            # A type such as <list[Path]> says nothing to who reads the page; the name of a value does.
            param.display_type_rich = partial(_value_of, param)
        cast("Any", super()).format_help(ctx, formatter)


class Command(_Speaking, TyperCommand):
    """A command whose help page is in the user's language, and that says which words are too many for it."""

    allow_extra_args = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the arguments; WrongUse where there are more than the command has."""
        super().parse_args(ctx, args)
        if ctx.args:
            raise WrongUse(_("there are too many arguments: {words}").format(words=" ".join(ctx.args)), _see(ctx))
        return []


class Group(_Speaking, TyperGroup):
    """A group of commands whose help page is in the user's language, and that says which commands it has."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the arguments; where there are none, show the page and end with 2."""
        if not args:
            self.get_help(ctx)
            raise typer.Exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is meant; WrongUse where there is none of that name."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            near = get_close_matches(args[0], self.commands, n=1)
            mend = _("did you mean '{word}'?").format(word=near[0]) if near else _see(ctx)
            raise WrongUse(_("there is no command '{word}'").format(word=args[0]), mend)
        return super().resolve_command(ctx, args)


class Commands(typer.Typer):
    """Commands that speak the user's language."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=Group, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[..., Any]:
        """Add a command; settings are typer's own."""
        return super().command(name, **{"cls": Command, **settings})


def inventory_folder(folder: Path) -> Path:
    """Return the folder of an inventory; WrongUse where it is none."""
    if not folder.is_dir():
        reason = _("{folder} is not a folder").format(folder=folder)
        raise WrongUse(reason, _("give the folder of the inventory, such as examples/yunhe"))
    return folder


def _value_of(param: Any, **_context: Any) -> str | None:
    return str(param.metavar) if param.param_type_name == "option" and param.metavar else None


def _see(context: Any) -> str:
    return _("see: {command} --help").format(command=context.command_path if context is not None else "zhenghe")


def wrong_use(error: TyperException) -> str:
    """Say in one line what is wrong with a call, and what to do next."""
    if isinstance(error, WrongUse):
        return str(error)
    told: Any = error
    words: Mapping[str, Callable[[], str]] = {
        "NoSuchOption": lambda: _("there is no option {name}").format(name=told.option_name),
        "MissingParameter": lambda: _("{name} is missing").format(name=told.param.get_error_hint().strip("'")),
        "BadParameter": lambda: error.message,
    }
    say = words.get(type(error).__name__)
    reason = say() if say else error.format_message().rstrip(".")
    return str(WrongUse(reason, _see(getattr(error, "ctx", None))))
