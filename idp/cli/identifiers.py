"""Identifiers as arguments: they are random, and one of 64 begins with the dash of an option."""

import re

import click

# ``domain.keyed.random_id``; ``random_token``, a ``sub`` and a key's thumbprint.
_IDENTIFIER = re.compile(r"-(?:[A-Za-z0-9_-]{21}|[A-Za-z0-9_-]{42})")


class IdentifyingCommand(click.Command):
    """A command whose argument may be an identifier, as other commands print it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move identifiers behind ``--``, where nothing is an option."""
        options = {name: param for param in self.get_params(ctx) for name in (*param.opts, *param.secondary_opts)}
        valued = {name for name, param in options.items() if isinstance(param, click.Option) and not param.is_flag}
        if "--" in args:
            return super().parse_args(ctx, args)
        others, found = list[str](), list[str]()
        for before, arg in zip(("", *args), args, strict=False):
            is_found = _IDENTIFIER.fullmatch(arg) and arg not in options and before not in valued
            (found if is_found else others).append(arg)
        # Not for nothing: an option at the end that lacks its value would take it for that.
        return super().parse_args(ctx, [*others, "--", *found] if found else args)


class IdentifyingGroup(click.Group):
    """Commands about what an identifier names."""

    command_class = IdentifyingCommand
