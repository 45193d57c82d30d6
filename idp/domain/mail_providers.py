"""Mail domains that say nothing about where their owner works or studies."""

import re
from typing import Final

from idp.domain.addresses import suggestion
from idp.domain.federation import within

# Families that exist under many top-level domains, e.g. yahoo.co.uk.
_FAMILIES: Final = re.compile(r"(gmx|hotmail|live|msn|outlook|yahoo|yandex)\.((co|com)\.)?[a-z]{2,3}")
_NAMES: Final = """
    163.com 126.com 9online.fr aliceadsl.fr aol.com aol.fr bbox.fr bluewin.ch caramail.com cegetel.net
    club-internet.fr dbmail.com duck.com fastmail.com fastmail.fm free.fr gmail.com googlemail.com hey.com
    icloud.com laposte.net libero.it libertysurf.fr mac.com mail.com mail.ru mailo.com me.com mozmail.com naver.com
    netcourrier.com neuf.fr noos.fr numericable.fr online.fr orange.fr pm.me privaterelay.appleid.com proton.me
    protonmail.ch protonmail.com qq.com rocketmail.com sfr.fr skynet.be t-online.de telenet.be tiscali.fr tuta.com
    tuta.io tutanota.com voila.fr wanadoo.fr web.de ymail.com zoho.com zohomail.eu
"""
_DOMAINS: Final = tuple(_NAMES.split())
# What most people in France use, without very short names: one typing slip away from those lies another real domain.
OFTEN_TYPED: Final = (
    "gmail.com", "hotmail.com", "hotmail.fr", "icloud.com", "laposte.net", "orange.fr", "outlook.com", "outlook.fr",
    "wanadoo.fr", "yahoo.com", "yahoo.fr",
)  # fmt: skip


def is_public(domain: str) -> bool:
    """Whether anybody may have an address in this domain: ``gmail.com``, ``orange.fr``, ``yahoo.co.uk``."""
    domain = domain.lower().rstrip(".")
    return within(domain, _DOMAINS) or _FAMILIES.fullmatch(domain) is not None


def resembles_public(domain: str) -> bool:
    """Whether the domain is a public one, or one slip of the pen away from one: ``gmial.com``."""
    return is_public(domain) or suggestion(f"x@{domain}", _DOMAINS) is not None
