"""The catalogues of translations: what the sources say, what locale/ holds, and where the two differ.

Babel reads and writes them, so that no gettext need be installed.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
SOURCE_LANGUAGE = "en"
_LAZY = {f"{name}_lazy": DEFAULT_KEYWORDS[name] for name in ("gettext", "ngettext", "pgettext", "npgettext")}
_KEYWORDS = {**DEFAULT_KEYWORDS, **_LAZY, "gettext_noop": None}
# %(name)s in both templates and Python; `%%` is a percent sign, no placeholder.
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]")
# Babel's own header holds dates, which would make a change of every update.
_HEAD = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms};\\n"

"""


def languages() -> list[str]:
    return [code for code, _name in settings.LANGUAGES if code != SOURCE_LANGUAGE]


def file_of(language: str) -> Path:
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"


def from_sources() -> Catalog:
    """Every message of the templates and of the Python files."""
    catalogue = Catalog(charset="utf-8")
    for file in _sources():
        name = file.relative_to(ROOT).as_posix()
        text = _python(file)
        for _line, ids, comments, context in extract("python", BytesIO(text.encode()), _KEYWORDS):
            catalogue.add(ids, locations=[(name, 0)], user_comments=comments, context=context)
    return catalogue


def _sources() -> Iterator[Path]:
    for folder, pattern in (("matching", "*.py"), ("portal", "*.py"), ("templates", "*.html"), ("templates", "*.txt")):
        yield from sorted((ROOT / folder).rglob(pattern))


def _python(file: Path) -> str:
    text = file.read_text()
    if file.suffix == ".py":
        return text
    # What is left of a template are calls among blanks, whose indentation means nothing.
    return "\n".join(line.strip() for line in templatize(text).splitlines())


def read(language: str) -> Catalog:
    file = file_of(language)
    if not file.exists():
        return Catalog(locale=language, charset="utf-8")
    with file.open("rb") as stream:
        return read_po(stream, locale=language, charset="utf-8")


def update(language: str) -> Catalog:
    """Bring locale/ up to date with the sources: new messages come empty, gone ones go."""
    catalogue = read(language)
    catalogue.update(from_sources(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    body = BytesIO()
    write_po(body, catalogue, sort_by_file=True, include_lineno=False, omit_header=True, width=110)
    file = file_of(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    head = _HEAD.format(language=language, plural_forms=catalogue.plural_forms)
    file.write_text(head + body.getvalue().decode())
    return catalogue


def compile_(language: str) -> Path:
    target = file_of(language).with_suffix(".mo")
    with target.open("wb") as stream:
        write_mo(stream, read(language))
    return target


def faults(language: str) -> Iterator[str]:
    """One sentence for each message that is missing, unsure, empty, or differs in its placeholders."""
    kept = read(language)
    for message in from_sources():
        if message.id:
            yield from _faults_of(message, kept.get(message.id, message.context))


def _faults_of(message: Message, translated: Message | None) -> Iterator[str]:
    ids, name = forms(message.id), forms(message.id)[0]
    if translated is None:
        yield f"missing: {name}"
        return
    if translated.fuzzy:
        yield f"fuzzy: {name}"
    strings = forms(translated.string)
    if not all(strings):
        yield f"empty: {name}"
        return
    for string in strings:
        if not any(_placeholders(string) == _placeholders(one) for one in ids):
            yield f"placeholders differ: {name} / {string}"


def forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def _placeholders(text: str) -> list[str]:
    return sorted(_PLACEHOLDER.findall(text.replace("%%", "")))
