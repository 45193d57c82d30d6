"""How pages name a browser and its device."""

from flask_babel import lazy_gettext as _

from idp.domain.device_kinds import DeviceKind


def device_name(kind: DeviceKind | None) -> str:
    """E.g. « Firefox sur Windows », in the page's language."""
    if kind is None:
        return str(_("Appareil inconnu"))
    # Safari on an iPad says that it is a Mac, unless told otherwise.
    system = str(_("Mac ou iPad")) if (kind.browser, kind.system) == ("Safari", "Mac") else kind.system
    if kind.browser and system:
        return str(_("%(browser)s sur %(system)s", browser=kind.browser, system=system))
    return kind.browser or system
