"""How long the database takes for each command, as the driver tells it."""

from typing import Protocol

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent


class TimesCommands(Protocol):
    """Told of each command that ended, with the seconds from sending it to its answer. Never raises."""

    def __call__(self, command: str, seconds: float, *, ok: bool) -> None: ...


class CommandTimes(CommandListener):
    """Hands the driver's figures on; of what is asked and answered it looks at nothing but the command's name."""

    def __init__(self, timed: TimesCommands) -> None:
        self._timed = timed

    def started(self, event: CommandStartedEvent) -> None:
        """The end tells everything."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._timed(event.command_name, event.duration_micros / 1e6, ok=True)

    def failed(self, event: CommandFailedEvent) -> None:
        self._timed(event.command_name, event.duration_micros / 1e6, ok=False)
