"""What a passkey is called for which nobody typed a name: by what keeps it, as far as the authenticator says so."""

from flask_babel import lazy_gettext as _

from idp.domain.passkeys import Credential
from idp.domain.sessions import Session
from idp.web.device_names import device_name

_WINDOWS, _APPLE = "Windows Hello", _("Trousseau iCloud")
# By the AAGUID that they announce: what keeps passkeys for more than the browser in which one is made. Nothing proves
# it (no attestation is wanted), and nothing but a name depends on it.
_KEEPERS = {
    "08987058-cadc-4b81-b6e1-30de50dcbe96": _WINDOWS,
    "6028b017-b1d4-4c02-b4b3-afcdafc96bb2": _WINDOWS,
    "9ddd1817-af5a-4672-a2b9-3e3dd95000a9": _WINDOWS,
    "dd4ec289-e01d-41c9-bb89-70fa845d4bf2": _APPLE,
    "fbfc3007-154e-4ecc-8c0b-6e020557d7bd": _APPLE,
    "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": _("Gestionnaire de mots de passe de Google"),
    "53414d53-554e-4700-0000-000000000000": "Samsung Pass",
    "bada5566-a7aa-401f-bd96-45619a55120d": "1Password",
    "d548826e-79b4-db40-a3d8-11116f7e8349": "Bitwarden",
    "531126d6-e717-415c-9320-3d9aa6981239": "Dashlane",
    "fdb141b2-5d84-443e-8a35-4698c205a502": "KeePassXC",
    "50726f74-6f6e-5061-7373-50726f746f6e": "Proton Pass",
}
# Of a key that is plugged in or held to the device (WebAuthn level 3 section 5.8.4).
_PLUGGED_IN = frozenset({"usb", "nfc", "ble", "smart-card"})


def keeper_name(credential: Credential, session: Session) -> str:
    """E.g. « Trousseau iCloud », « Clé de sécurité », or the device on which it was made: « Firefox sur Windows »."""
    if keeper := _KEEPERS.get(credential.aaguid):
        return str(keeper)
    if credential.transports and _PLUGGED_IN.issuperset(credential.transports):
        return str(_("Clé de sécurité"))
    kind = session.sign_in.kind if session.sign_in else None
    return device_name(kind) if kind else str(_("Clé d’accès"))
