"""What people paste as web addresses: cleaned, taken apart, refused for a reason."""

import pytest

from portal.core import pasted
from portal.core.pasted import Fault, Unusable

A, B = "https://a.example/x", "https://b.example/y"
DOUBLY = "https://go.example/?u=https%253A%252F%252Fa.example%252Fx"


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (f"  {A}\t", [A]),
        ("a.example/x", [A]),
        ("//a.example/x", [A]),
        (f"\ufeff{A}", [A]),
        ("https://a.exa\u00admple/\u200bx\u2060", [A]),
        (f"\u202a{A}\u202c", [A]),
        ("\u2066a.example/x\u2069", [A]),
        (f"\u00a0{A}\u202f", [A]),
        (f"{A}\0", [A]),
        *((f"{bullet} {A}", [A]) for bullet in ("•", "-", "*", "–", "‣", "1.", "2)", ">")),
        (f"•{A}", [A]),
        (f"<{A}>", [A]),
        ("<a.example/x>", [A]),
        (f"“{A}”", [A]),
        (f"« {A} »", [A]),
        (f"see {A} and {B}", [A, B]),
        (f"see {A}\u00a0and\u200b {B}", [A, B]),
        ("a.example/x b.example/y", [A, B]),
        (f"see a.example/x and {B}, not photo.jpg", [A, f"{B},"]),
        (f"{A} and b.example/y, not b.example", [A, f"{B},"]),
        ("https://a.example/x y.jpg and more", [A]),
        (f"{A};{B}", [f"{A};", B]),
        (f"{A},{B}", [f"{A},", B]),
        (f"Photo: {A} (the second)", [A]),
        ("HTTPS://a.example/x", [A]),
        ("http://a.example/x", ["http://a.example/x"]),
        ("https:/a.example/x", [A]),
        ("https//a.example/x", [A]),
        ("https:\\\\a.example/x", [A]),
        (f"view-source:{A}", [A]),
        (f"URL:{A}", [A]),
        (f"my data: {A}", [A]),
        ("https://a.example/?u=ftp://b.example/", ["https://a.example/?u=ftp://b.example/"]),
        ("https://ana:secret@a.example/x", [A]),
        ("https://a.example", ["https://a.example"]),
        ("https://a.example.", ["https://a.example"]),
        ("a.example,", ["https://a.example"]),
        ("https://a_b.example/x", ["https://a_b.example/x"]),
        ("_a.example/x", ["https://_a.example/x"]),
        ("https://bücher.example/x", ["https://bücher.example/x"]),
        ("https://bu\u0308cher.example/x", ["https://bu\u0308cher.example/x"]),
        ("https://हिन्दी.example/x", ["https://हिन्दी.example/x"]),
        ("https://a。example/x", ["https://a。example/x"]),
        ("https://می\u200cخواهم.example/x", ["https://می\u200cخواهم.example/x"]),
        ("https://192.0.2.1:8080/x", ["https://192.0.2.1:8080/x"]),
        ("192.0.2.1/x", ["https://192.0.2.1/x"]),
        ("https://[2001:db8::1]:8443/x", ["https://[2001:db8::1]:8443/x"]),
        ("https://[2001:db8::1]", ["https://[2001:db8::1]"]),
        ("a.example:65535/x", ["https://a.example:65535/x"]),
        ("https://a.example/my photo.jpg", ["https://a.example/my%20photo.jpg"]),
        ("https://a.example/1.jpg is mine.jpg", ["https://a.example/1.jpg"]),
        (f"https://web.archive.example/2020/{A}", [f"https://web.archive.example/2020/{A}"]),
        ("https://a.example/" + "x" * 7982, ["https://a.example/" + "x" * 7982]),
    ],
)
def test_addresses_are_found_in_what_is_pasted(line: str, meant: list[str]) -> None:
    assert pasted.web_addresses(line) == meant


@pytest.mark.parametrize(
    ("line", "fault", "named"),
    [
        *((text, Fault.NO_ADDRESS, "") for text in ("hello", "it shows me.", "photo.jpg", "IMG_1.HEIC", "/x/y.jpg")),
        *((text, Fault.NO_ADDRESS, "") for text in ("ana@a.example", "https://", "https://photo/1", "https://-/x")),
        *((text, Fault.NO_ADDRESS, "") for text in ("https://a..example/", "https://[x]/", "C:\\photo\\1.jpg", "a.1")),
        ("ftp://a.example/x", Fault.SCHEME, "ftp"),
        ("see FTP://a.example/x", Fault.SCHEME, "ftp"),
        (f"{A} and ftp://b.example/y", Fault.SCHEME, "ftp"),
        ("hxxps://a.example/x", Fault.SCHEME, "hxxps"),
        ("file:///C:/1.jpg", Fault.SCHEME, "file"),
        ("blob:https://a.example/0a", Fault.SCHEME, "blob"),
        ("data:image/png;base64,AA", Fault.SCHEME, "data"),
        ("javascript:alert(1)", Fault.SCHEME, "javascript"),
        ("mailto:ana@a.example", Fault.SCHEME, "mailto"),
        ("https://a.example:0/", Fault.PORT, "0"),
        ("https://a.example:65536/", Fault.PORT, "65536"),
        ("a.example:99999/x", Fault.PORT, "99999"),
        ("https://a.example:80a/", Fault.PORT, "80a"),
        ("https://a.example:" + "9" * 5000, Fault.PORT, "9" * 20),
        ("https://a.example/" + "x" * 7983, Fault.TOO_LONG, ""),
    ],
)
def test_what_cannot_be_an_address_is_refused_by_name(line: str, fault: Fault, named: str) -> None:
    with pytest.raises(Unusable) as refused:
        pasted.web_addresses(line)
    assert (refused.value.fault, refused.value.named) == (fault, named)


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        (A, [A]),
        (f"{A},", [f"{A},", A]),
        (f"{A}).", [f"{A}).", f"{A})", A]),
        ("https://a.example", ["https://a.example"]),
        ("https://a.example/", ["https://a.example/"]),
        (
            f"https://archive.example/2020/{A}.",
            [f"https://archive.example/2020/{A}."[:end] for end in (None, -1)] + [f"{A}.", A],
        ),
        ("https://archive.example/2020/https:/a.example/x", ["https://archive.example/2020/https:/a.example/x", A]),
        (f"https://go.example/?url={A}", [f"https://go.example/?url={A}", A]),
        (f"https://go.example/?url={A}&h=1", [f"https://go.example/?url={A}&h=1", f"{A}&h=1", A]),
        ("https://go.example/?u=https%3A%2F%2Fa.example%2Fx", ["https://go.example/?u=https%3A%2F%2Fa.example%2Fx", A]),
        (DOUBLY, [DOUBLY, A]),
        (f"{A}{B}", [f"{A}{B}", B]),
    ],
)
def test_all_that_may_be_meant_is_tried(address: str, meant: list[str]) -> None:
    assert pasted.readings(address) == meant


@pytest.mark.parametrize(
    "text",
    ["https://a.example/" + unit * (7000 // len(unit)) for unit in ("https://", ")", "%25", "https%3A%2F%2F", "<@")],
)
def test_a_hostile_address_has_few_readings(text: str) -> None:
    for address in pasted.web_addresses(text):
        assert len(pasted.readings(address)) <= 66


def test_what_is_seen_stays() -> None:
    assert pasted.plain("Zoë\u00a0\u200d – “x”\n") == "Zoë  – “x”\n"
