"""Whom a data subject can turn to, as data: the regulator of each place, and help for people in danger.

`verified`: the page was seen in a stored copy of that office's own website. What is not verified comes from general
knowledge, and the operator checks it before release. A postal address or a number that was not seen is left out.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Words:
    """The same in both languages: official names and addresses are not ours to translate."""

    en: str
    fr: str

    def of(self, language: str) -> str:
        return self.fr if language == "fr" else self.en


def _same(text: str) -> Words:
    return Words(text, text)


@dataclass(frozen=True)
class Regulator:
    """Who hears complaints about the operator. `post` is a postal address, empty where none was seen."""

    name: Words
    page: Words
    source: str
    verified: bool
    post: Words = Words("", "")


@dataclass(frozen=True)
class Told:
    """A regulator as somebody who lives in a place reads of it. `elsewhere`: it is not of that place."""

    name: str
    page: str
    post: str
    elsewhere: bool


PRIVACY_COMMISSIONER = Regulator(
    name=Words(
        "Office of the Privacy Commissioner of Canada", "Commissariat à la protection de la vie privée du Canada"
    ),
    page=Words(
        "https://www.priv.gc.ca/en/report-a-concern/file-a-formal-privacy-complaint/",
        "https://www.priv.gc.ca/fr/signaler-un-probleme/"
        "deposer-une-plainte-officielle-concernant-la-protection-de-la-vie-privee/",
    ),
    post=Words(
        "30 Victoria Street, Gatineau, Quebec K1A 1H3",
        "30, rue Victoria, Gatineau (Québec) K1A 1H3",
    ),
    source="priv.gc.ca, Report a concern → File a formal privacy complaint; the address on its complaint form",
    verified=True,
)
QUEBEC = Regulator(
    name=_same("Commission d’accès à l’information"),
    page=Words("https://plainte.cai.gouv.qc.ca/default.aspx?l=en-us", "https://plainte.cai.gouv.qc.ca/"),
    post=_same("525, boulevard René-Lévesque Est, bureau 2.36, Québec (Québec) G1R 5S9"),
    source="plainte.cai.gouv.qc.ca, in both languages; the address in Nous joindre, cai.gouv.qc.ca",
    verified=True,
)
BRITISH_COLUMBIA = Regulator(
    name=Words(
        "Office of the Information and Privacy Commissioner for British Columbia",
        "Commissariat à l’information et à la protection de la vie privée de la Colombie-Britannique",
    ),
    page=_same("https://www.oipc.bc.ca/for-the-public/how-do-i-make-a-complaint.aspx"),
    source="oipc.bc.ca, How do I make a complaint? (in English only)",
    verified=True,
)
ALBERTA = Regulator(
    name=Words(
        "Office of the Information and Privacy Commissioner of Alberta",
        "Commissariat à l’information et à la protection de la vie privée de l’Alberta",
    ),
    page=_same("https://oipc.ab.ca/request-a-review-file-a-complaint/"),
    source="oipc.ab.ca, Request a Review / File a Complaint (in English only)",
    verified=True,
)
EUROPE = Regulator(
    name=Words("The data protection authority of your country", "L’autorité de protection des données de votre pays"),
    page=_same("https://www.edpb.europa.eu/about-edpb/about-edpb/members_en"),
    source="European Data Protection Board, list of members; GDPR Art. 77 (a complaint where one lives)",
    verified=False,
)
UNITED_KINGDOM = Regulator(
    name=_same("Information Commissioner’s Office"),
    page=_same("https://ico.org.uk/make-a-complaint/"),
    source="ico.org.uk, Make a complaint: pages below it were seen, this one was not",
    verified=False,
)
CALIFORNIA = Regulator(
    name=_same("California Privacy Protection Agency"),
    page=_same("https://privacy.ca.gov/submit-a-complaint"),
    source="privacy.ca.gov, Submit a CCPA complaint",
    verified=True,
)

# One row a place of `statutes.PLACES`.
REGULATORS: dict[str, Regulator] = {
    "CA-AB": ALBERTA,
    "CA-BC": BRITISH_COLUMBIA,
    "CA-MB": PRIVACY_COMMISSIONER,
    "CA-NB": PRIVACY_COMMISSIONER,
    "CA-NL": PRIVACY_COMMISSIONER,
    "CA-NS": PRIVACY_COMMISSIONER,
    "CA-NT": PRIVACY_COMMISSIONER,
    "CA-NU": PRIVACY_COMMISSIONER,
    "CA-ON": PRIVACY_COMMISSIONER,
    "CA-PE": PRIVACY_COMMISSIONER,
    "CA-QC": QUEBEC,
    "CA-SK": PRIVACY_COMMISSIONER,
    "CA-YT": PRIVACY_COMMISSIONER,
    "EU": EUROPE,
    "GB": UNITED_KINGDOM,
    "US-CA": CALIFORNIA,
    # No regulator there can order this operator; the Canadian one, whose law is applied all the same, can.
    "OTHER": PRIVACY_COMMISSIONER,
}


class Audience(StrEnum):
    UNDER_18_IN_CANADA = "under 18 in Canada"
    UNDER_18 = "under 18"
    ADULTS = "18 and over"
    IN_DISTRESS = "young and in distress"


@dataclass(frozen=True)
class Help:
    """A service for people whose intimate images are shared or threatened, or who are in distress."""

    audience: Audience
    name: Words
    page: Words
    source: str
    verified: bool
    phone: str = ""


HELP: tuple[Help, ...] = (
    Help(
        Audience.UNDER_18_IN_CANADA,
        name=Words("NeedHelpNow.ca", "AidezMoiSVP.ca"),
        page=Words("https://needhelpnow.ca/", "https://aidezmoisvp.ca/"),
        source="Canadian Centre for Child Protection; aidezmoisvp.ca was seen, the start pages were not",
        verified=False,
    ),
    Help(
        Audience.UNDER_18_IN_CANADA,
        name=Words("Cybertip.ca", "Cyberaide.ca"),
        page=Words("https://www.cybertip.ca/", "https://www.cyberaide.ca/"),
        phone="1-866-658-9022",
        source="protectkidsonline.ca, Where can I report concerning behaviour? (name and number)",
        verified=True,
    ),
    Help(
        Audience.UNDER_18,
        name=_same("Take It Down"),
        page=_same("https://takeitdown.ncmec.org/"),
        source="National Center for Missing & Exploited Children",
        verified=False,
    ),
    Help(
        Audience.ADULTS,
        name=_same("StopNCII.org"),
        page=_same("https://stopncii.org/"),
        source="Revenge Porn Helpline, SWGfL",
        verified=False,
    ),
    Help(
        Audience.IN_DISTRESS,
        name=Words("Kids Help Phone", "Jeunesse, J’écoute"),
        page=Words("https://kidshelpphone.ca/", "https://jeunessejecoute.ca/"),
        phone="1-800-668-6868",
        source="Kids Help Phone",
        verified=False,
    ),
)

# Where "exit this page" leads: a page that anybody may have open, and that says nothing of the one before.
HARMLESS_PAGE = Words("https://weather.gc.ca/", "https://meteo.gc.ca/")


def regulator_of(place: str, language: str) -> Told:
    """Errors: KeyError where there is no such place."""
    row = REGULATORS[place]
    return Told(row.name.of(language), row.page.of(language), row.post.of(language), elsewhere=place == "OTHER")


def unverified() -> tuple[Regulator | Help, ...]:
    """What the operator has to check before release."""
    rows: tuple[Regulator | Help, ...] = (*dict.fromkeys(REGULATORS.values()), *HELP)
    return tuple(row for row in rows if not row.verified)
