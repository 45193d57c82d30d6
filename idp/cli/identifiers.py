"""Identifiers as arguments: they are random, and one of 64 begins with the dash of an option."""

import re

import click

# Of 22 characters: ``domain.keyed.random_id``. Of 43: ``random_token``, a ``sub``, a key's thumbprint.
_IDENTIFIER = re.compile(r"-(?:[A-Za-z0-9_-]{21}|[A-Za-z0-9_-]{42})")


class IdentifyingCommand(click.Command):
    """A command whose argument may be an identifier, as other commands print it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move identifiers behind ``--``, where nothing is an option."""
        if "--" in args:
            return super().parse_args(ctx, args)
        options = {name: param for param in self.get_params(ctx) for name in (*param.opts, *param.secondary_opts)}
        valued = {name for name, param in options.items() if isinstance(param, click.Option) and not param.is_flag}
        others, found = list[str](), list[str]()
        for before, arg in zip(("", *args), args, strict=False):
            is_found = _IDENTIFIER.fullmatch(arg) and arg not in options and before not in valued
            (found if is_found else others).append(arg)
        # Only where there is one: an option at the end that lacks its value would take the ``--`` for it.
        return super().parse_args(ctx, [*others, "--", *found] if found else args)


class IdentifyingGroup(click.Group):
    """Commands about what an identifier names."""

    command_class = IdentifyingCommand
