"""Commands and options from the parser, and the exit codes."""

import argparse

from pystamps_hpc.cli.commands import COMMANDS
from pystamps_hpc.cli.parser import build_parser
from pystamps_hpc.errors import Exit

from .markdown import code, table


def command_line() -> str:
    """Every command and option, and the exit codes."""
    parser = build_parser()
    commands: dict[str, argparse.ArgumentParser] = subcommands(parser)
    parts = [
        "# Command line\n\n",
        "`pystamps-hpc [GLOBAL OPTIONS] COMMAND [OPTIONS]`. The global options may stand before "
        "or after the command. On a terminal a command answers with a table; where standard output "
        "is none, or with `--json`, with one JSON document, and what is meant for people goes to "
        "standard error.\n\n",
        "## Global options\n\n",
        table(("Option", "Meaning"), map(option_row, options_of(parser))),
    ]
    globals_ = {word for action in options_of(parser) for word in action.option_strings}
    globals_ -= {"--dataset"}  # every command says what its own is
    for name, command in commands.items():
        parts.append(f"\n## {name}\n\n{COMMANDS[name].summary}\n")
        own = [a for a in options_of(command) if not globals_ & {*a.option_strings}]
        if own:
            parts.append("\n" + table(("Option", "Meaning"), map(option_row, own)))
        actions = [action_row(word, inner) for word, inner in subcommands(command).items()]
        if actions:
            parts.append("\n" + table(("Action", "Arguments"), actions))
        more = [a for inner in subcommands(command).values() for a in options_of(inner)
                if a.option_strings and a.dest not in {known.dest for known in own}]  # fmt: skip
        if more:
            parts.append("\n" + table(("Option", "Meaning"), map(option_row, more)))
        if COMMANDS[name].examples:
            lines = "\n".join(COMMANDS[name].examples)
            parts.append(f"\n```sh\n{lines}\n```\n")
    return "".join([*parts, exit_codes()])


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands below a parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def action_row(name: str, parser: argparse.ArgumentParser) -> tuple[str, str]:
    """Return the table row of a command inside a command."""
    forms = {"?": "[{}]", "+": "{} ..."}
    arguments = [action for action in options_of(parser) if not action.option_strings]
    words = [forms.get(str(a.nargs), "{}").format(a.dest.upper()) for a in arguments]
    helps = [action.help for action in arguments if action.help]
    return code(" ".join((name, *words))), "; ".join(helps)


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the options of a parser, without help and commands."""
    hidden = (argparse._HelpAction, argparse._SubParsersAction)
    return [action for action in parser._actions if not isinstance(action, hidden)]


def option_row(action: argparse.Action) -> tuple[str, str]:
    """Return the table row of an option or argument."""
    words = ", ".join(action.option_strings)
    named = action.metavar or "|".join(map(str, action.choices or ()))
    value = " ".join(named) if isinstance(named, tuple) else str(named)
    if action.option_strings and action.nargs == 0:
        value = ""
    text = f"{words} {value}".strip() or action.dest
    required = action.required and bool(action.option_strings)
    return code(text), (action.help or "").replace("%%", "%") + (" (required)" if required else "")


def exit_codes() -> str:
    """Return the table of exit codes."""
    rows = [(str(code.value), code.meaning) for code in Exit]
    return "\n## Exit codes\n\nThe same on every rank.\n\n" + table(("Code", "Meaning"), rows)
