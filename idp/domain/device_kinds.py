"""What kind of browser and device somebody uses, in two words, as a person recognises them in a list of theirs.

Made from the ``User-Agent`` (RFC 9110 section 10.1.5), which is read once and never kept. Both words come from closed
lists: no version, no model and nothing that a browser makes up gets in, so that they neither tell people apart nor
grow.
"""

from dataclasses import dataclass

# Nothing that matters stands further back.
_READ = 512
# The first that fits: most browsers name those that they descend from as well.
_BROWSERS = (
    ("Edge", ("Edg/", "EdgA/", "EdgiOS/")),
    ("Opera", ("OPR/", "OPT/", "Opera/")),
    ("Samsung Internet", ("SamsungBrowser/",)),
    ("Vivaldi", ("Vivaldi/",)),
    ("DuckDuckGo", ("DuckDuckGo/", "Ddg/")),
    ("Firefox", ("Firefox/", "FxiOS/")),
    ("Chrome", ("Chrome/", "CriOS/", "Chromium/")),
    ("Safari", ("Safari/",)),
)
_SYSTEMS = (
    ("iPhone", ("iPhone",)),
    ("iPad", ("iPad",)),
    ("Android", ("Android",)),
    ("ChromeOS", ("CrOS",)),
    ("Windows", ("Windows",)),
    ("Mac", ("Macintosh",)),
    ("Linux", ("Linux", "X11")),
)


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """E.g. ``Firefox`` and ``Windows``; each empty where it is none that we know.

    An iPad that asks for pages as computers see them says that it is a Mac.
    """

    browser: str
    system: str

    def __str__(self) -> str:
        """In no language: for mails and exports, e.g. ``Firefox, Windows``."""
        return ", ".join(name for name in (self.browser, self.system) if name)


def kind_of(user_agent: str) -> DeviceKind | None:
    """The kind that this ``User-Agent`` tells; None where it tells nothing. Takes whatever stands there."""
    read = user_agent[:_READ]
    kind = DeviceKind(_first(_BROWSERS, read), _first(_SYSTEMS, read))
    return kind if kind.browser or kind.system else None


def _first(names: tuple[tuple[str, tuple[str, ...]], ...], text: str) -> str:
    return next((name for name, signs in names if any(sign in text for sign in signs)), "")
