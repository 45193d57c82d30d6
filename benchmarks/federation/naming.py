"""What the parts of a synthetic federation are called; without imports, so that no side pays for the other's."""

FILE_NAME = "synthetic.xml"
KEY_NAME = "synthetic.pem"


def entity_id(number: int) -> str:
    """The entity id of the provider with this number."""
    return f"https://idp.univ-{number}.example/idp/shibboleth"
