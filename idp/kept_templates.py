"""Templates that are read with the program, and not when the first page or mail of their kind is made.

What is installed over a running server must not reach it: a template of another release asks for what this one does not
give, and one that is just being replaced is not there.
"""

from collections.abc import Callable
from pathlib import Path

from jinja2 import BaseLoader, Environment, TemplateNotFound


class KeptTemplates(BaseLoader):
    """Every file below this folder, as it was when this was made."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            file.relative_to(folder).as_posix(): (file.read_text("utf-8"), str(file))
            for file in folder.rglob("*")
            if file.is_file()
        }

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        if template not in self._files:
            raise TemplateNotFound(template)
        return (*self._files[template], lambda: True)

    def list_templates(self) -> list[str]:
        return sorted(self._files)
