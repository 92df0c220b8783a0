"""Pages' digests, made anew by the rules of today, of which this file holds a copy: they may change again.

Where only the digest of an address is kept, it stays, and is marked as an earlier one.
"""

import hashlib
import re
import unicodedata
from ipaddress import IPv6Address
from urllib.parse import quote, quote_plus, unquote_to_bytes
from uuid import UUID

import idna
from django.db import migrations

BATCH = 5000

# Of an address of this shape both rules make the same.
NEXT = """
SELECT id, page FROM matching_harvestedimage
WHERE id > %s AND (page ~ '^https?://[^/]*xn--' OR page !~ '^https?://([a-z0-9-]+\\.)*[a-z0-9-]+(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?$')
ORDER BY id LIMIT %s
"""
# The same file may be there twice, of what only today is the same page: then one of them alone can have its digest,
RENEW = """
WITH given AS (SELECT * FROM unnest(%b::uuid[], %b::bytea[]) AS entry (id, digest)), first AS (
    SELECT DISTINCT ON (image.file_digest, given.digest) image.id, given.digest
    FROM given JOIN matching_harvestedimage image USING (id)
    WHERE NOT EXISTS (
        SELECT FROM matching_harvestedimage other
        WHERE other.file_digest = image.file_digest AND other.page_digest = given.digest
    )
    ORDER BY image.file_digest, given.digest, image.id
)
UPDATE matching_harvestedimage image
SET page_digest = first.digest,
    address_digest = CASE WHEN address_digest = page_digest THEN first.digest ELSE address_digest END
FROM first WHERE image.id = first.id
"""
# and the other is found by that of its address.
TWINS = """
WITH given AS (SELECT * FROM unnest(%b::uuid[], %b::bytea[]) AS entry (id, digest))
UPDATE matching_harvestedimage image SET address_digest = given.digest, address_form = 2
FROM given
WHERE image.id = given.id AND image.page_digest <> given.digest AND image.address_digest = image.page_digest
"""


def renew(apps, schema_editor):
    last = UUID(int=0)
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(NEXT, [last, BATCH])
            rows = cursor.fetchall()
            if not rows:
                return
            last = rows[-1][0]
            given = [[image_id for image_id, _page in rows], [digest(page) for _image_id, page in rows]]
            cursor.execute(RENEW, given)
            cursor.execute(TWINS, given)


def digest(address):
    try:
        text = normal(address)
    except ValueError:
        text = address.strip()
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|igshid|mc_cid|mc_eid)$")
SIMPLE = re.compile(
    r"https?://(?:www\.)?(?![^/]*xn--)([a-z0-9-]+(?:\.[a-z0-9-]+)*)((?:/(?!\.\.?(?:/|\Z))[A-Za-z0-9._~-]*)*)",
    re.ASCII,
)

PARTS = re.compile(
    r"(?:(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?[/\\]{2})?"
    r"(?P<authority>[^/\\?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:\#(?P<fragment>.*))?",
    re.DOTALL | re.ASCII,
)
NO_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!//|\\\\|[0-9]*(?:[/\\?#]|\Z))", re.ASCII)
HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII)
DEFAULT_PORTS = {"http": ("80",), "https": ("443",), "": ("80", "443")}

PARTING = re.compile(r"([;=&+])")
NOT_PARTING = ":@!$'()*,~"


def normal(address):
    text = address.strip()
    simple = SIMPLE.fullmatch(text)
    return simple[1] + simple[2].rstrip("/") if simple else taken_apart(text)


def taken_apart(text):
    text = re.sub(r"[\t\r\n]", "", text)
    parts = PARTS.fullmatch(text)
    if parts is None or NO_HOST.match(text):
        raise ValueError("no host")
    scheme = (parts["scheme"] or "").lower()
    other = "" if scheme in DEFAULT_PORTS else f"{scheme}://"
    path = _path(parts["path"].replace("\\", "/"))
    return other + _authority(parts["authority"], scheme) + path + _query(parts["query"]) + _route(parts["fragment"])


def _authority(authority, scheme):
    _user, _at, place = authority.rpartition("@")
    bracketed, bracket, rest = place.partition("]")
    if bracket:
        if not bracketed.startswith("[") or rest[:1] not in ("", ":"):
            raise ValueError("no host")
        host, port = f"[{IPv6Address(bracketed[1:])}]", rest[1:]
    else:
        named, _colon, port = place.partition(":")
        host = ascii_host(named).removeprefix("www.")
    if not port:
        return host
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError("no port")
    return host if str(int(port)) in DEFAULT_PORTS.get(scheme, ()) else f"{host}:{int(port)}"


def ascii_host(host):
    text = unquote_to_bytes(host).decode().lower()
    if not text.isascii():
        text = idna.uts46_remap(text, std3_rules=False, transitional=False)
    text = ".".join(map(_label, text.removesuffix(".").split(".")))
    if not HOST.fullmatch(text):
        raise ValueError("no host")
    return text


def _label(label):
    if label.isascii():
        label = _unicode_label(label) or label
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def _unicode_label(label):
    try:
        decoded = label.removeprefix("xn--").encode().decode("punycode") if label.startswith("xn--") else ""
        label = idna.uts46_remap(decoded, std3_rules=False, transitional=False)
    except ValueError:
        return ""
    return "" if label.isascii() else label


def _path(path):
    segments = []
    for segment in map(_segment, path.split("/")[1:]):
        if segment == "..":
            segments = segments[:-1]
        elif segment != ".":
            segments.append(segment)
    return "".join(f"/{segment}" for segment in segments).rstrip("/")


def _segment(segment):
    pieces = PARTING.split(segment)
    pieces[::2] = [quote(_composed(piece), safe=NOT_PARTING) for piece in pieces[::2]]
    return "".join(pieces)


def _query(query):
    pairs = [pair.partition("=") for pair in (query or "").replace("+", " ").split("&") if pair]
    written = [(quote_plus(_composed(name)), quote_plus(_composed(value))) for name, _is, value in pairs]
    kept = "&".join(f"{name}={value}" for name, value in written if not TRACKING.match(name))
    return f"?{kept}" if kept else ""


def _route(fragment):
    route = "/".join(map(_segment, (fragment or "").split("/"))).rstrip("/")
    return f"#{route}" if route.startswith(("!", "/")) and route != "!" else ""


def _composed(text):
    decoded = unquote_to_bytes(text)
    try:
        return unicodedata.normalize("NFC", decoded.decode()).encode()
    except UnicodeDecodeError:
        return decoded


class Migration(migrations.Migration):
    dependencies = [("matching", "0010_digests_say_by_which_rules")]

    operations = [migrations.RunPython(renew, migrations.RunPython.noop)]
