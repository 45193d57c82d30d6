"""The languages of pages and mails, and what each calls itself. French is that of the source, and comes first."""

LANGUAGES = {"fr": "Français", "en": "English"}
