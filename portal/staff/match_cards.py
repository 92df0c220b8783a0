"""The matches of a case as pictures: a preview, how alike it is, where it came from, what was decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.formats import localize
from django.utils.translation import gettext as _

from matching import service
from portal.accounts.models import User
from portal.cases import decisions, looked_at, queries
from portal.cases.models import Band, Case, Decision, Match, Search
from portal.staff import labels
from portal.takedowns import holds
from portal.takedowns.models import Takedown
from portal.takedowns.states import TakedownState

METER = 200  # units across the drawing of a similarity
# Below these the preview is gone, or about to be.
_GONE = (TakedownState.REMOVING, TakedownState.REMOVED, TakedownState.PURGED)


@dataclass(frozen=True)
class Meter:
    """A similarity drawn on a line from just below the probable threshold to 1. All in units of METER."""

    at: int
    probable: int
    probable_width: int
    certain: int | None
    certain_width: int
    number: str
    text: str


@dataclass(frozen=True)
class Card:
    """Locked, it holds no more than band and number: where a face was found and how alike it is would be a look-up."""

    match: Match
    place: int  # its number on the page, from 1
    band: str
    band_colour: str
    people: int
    meter: Meter | None
    site: str
    harvested_on: date | None
    country: str
    decision: str
    decision_colour: str
    has_picture: bool
    is_clear: bool
    seen: bool  # by whoever looks at the page, the subject's photos too
    is_there: bool  # there is something to look at

    @property
    def is_open(self) -> bool:
        return self.match.decision == Decision.OPEN

    @property
    def one_person_decides(self) -> bool:
        return self.is_open and self.people == 1 and (self.is_there or self.seen)


def of(case: Case, *, by: User, sent: bool = False) -> list[Card]:
    """None before the case is unlocked; for a form that was `sent`, having been unlocked is enough."""
    is_clear = queries.unlocked_until(case, by) is not None
    if not is_clear and not (sent and queries.has_unlocked(case, by)):
        return []
    matches = list(case.matches.select_related("search"))
    sources = service.provenance_of([match.image_id for match in matches])
    takedowns = list(queries.takedowns(case))
    shown_as = holds.shown_states(takedowns, by=by)
    states = {row.image_id: shown_as[row.pk] for row in takedowns}
    kept_from = holds.hidden_from(by, [match.image_id for match in matches])
    people = decisions.people_by_band(case)
    unseen = set(looked_at.left_to_see(case, by=by, delete=matches))
    photos_seen = not any(looked_at.photo(photo) in unseen for photo in case.photos.defer("sealed"))
    cards = []
    for place, match in enumerate(matches, start=1):
        source = sources.get(match.image_id)
        shown = source if is_clear and match.image_id not in kept_from else None
        state = states.get(match.image_id, "")
        name, colour = _decision(match, state)
        card = Card(
            match=match,
            place=place,
            band=str(Band(match.band).label),
            band_colour=labels.BAND_COLOURS[match.band],
            people=people[Band(match.band)],
            meter=_meter(match, match.search) if is_clear else None,
            site=shown.site if shown else "",
            harvested_on=shown.harvested_on if shown else None,
            country=shown.country if shown else "",
            decision=name,
            decision_colour=colour,
            has_picture=source is not None and state not in _GONE and match.image_id not in kept_from,
            is_clear=is_clear,
            seen=photos_seen and looked_at.match(match) not in unseen,
            is_there=source is not None and match.image_id not in kept_from,
        )
        cards.append(card)
    return cards


def _decision(match: Match, state: str) -> tuple[str, str]:
    """What became of the image, once it is being deleted, rather than what was decided."""
    if match.decision == Decision.APPROVED and state:
        return labels.takedown_name(state), labels.TAKEDOWN_COLOURS.get(state, "")
    colours: dict[str, str] = {Decision.OPEN: "orange", Decision.LEFT: "grey"}
    return str(Decision(match.decision).label), colours.get(match.decision, "")


def _meter(match: Match, search: Search | None) -> Meter | None:
    if match.similarity is None or search is None:
        return None
    lowest = max(-1.0, search.probable_from - (1 - search.probable_from) / 4)

    def at(similarity: float) -> int:
        return max(0, min(METER, round(METER * (similarity - lowest) / (1 - lowest))))

    probable = at(search.probable_from)
    certain = None if search.certain_from is None else at(search.certain_from)
    number = localize(round(match.similarity, 3))
    return Meter(
        at=at(match.similarity),
        probable=probable,
        probable_width=METER - probable,
        certain=certain,
        certain_width=METER - (certain or 0),
        number=number,
        text=_("Similarity %(similarity)s") % {"similarity": number},
    )


@dataclass(frozen=True)
class Cell:
    state: str  # due, done, verified, failed, stuck
    text: str


@dataclass(frozen=True)
class Line:
    """One image of a removal across the stores."""

    takedown: Takedown
    card: Card | None  # while the case keeps it
    shown_as: str  # its state, as whoever looks is told it
    state: str
    colour: str
    cells: tuple[Cell, ...]

    @property
    def can_restore(self) -> bool:
        """Offered for what others hold as well, and then refused like what came too late: its absence would tell."""
        cools = self.shown_as == TakedownState.HIDDEN and labels.is_ahead(self.takedown.cools_until)
        return cools and self.card is not None


def lines(takedowns: Iterable[Takedown], cards: Iterable[Card], *, stores: Iterable[str], by: User) -> list[Line]:
    by_image = {card.match.image_id: card for card in cards}
    takedowns, stores = list(takedowns), list(stores)
    shown_as = holds.shown_states(takedowns, by=by)
    return [
        Line(
            takedown=takedown,
            card=by_image.get(takedown.image_id),
            shown_as=shown_as[takedown.pk],
            state=labels.takedown_name(shown_as[takedown.pk]),
            colour=labels.TAKEDOWN_COLOURS.get(shown_as[takedown.pk], ""),
            cells=_cells(takedown, stores),
        )
        for takedown in takedowns
    ]


def _cells(takedown: Takedown, stores: list[str]) -> tuple[Cell, ...]:
    states = {step.store: step.state for step in takedown.steps.all()}
    names = {
        "due": _("to do"),
        "done": _("removed, to be read back"),
        "verified": _("removed and read back"),
        "failed": _("failed, will be tried again"),
        "stuck": _("stuck"),
    }
    if takedown.state == TakedownState.RESTORED:
        return tuple(Cell("kept", _("kept")) for _store in stores)
    return tuple(Cell(states.get(store, "due"), names[states.get(store, "due")]) for store in stores)
