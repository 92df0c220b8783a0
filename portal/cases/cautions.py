"""What whoever decides is warned of: a photo that is itself in the index, a face that another open case shows.

Somebody may have sent a stranger's photo. Neither changes what is decided, nor anything that the subject observes.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from uuid import UUID

from matching import service
from matching.types import Embeddings
from portal.audit import append
from portal.audit.tags import Tag
from portal.cases import personal
from portal.cases.models import Case, Caution, CautionKind, Match, Probe, ProbeKind, Route
from portal.cases.states import OPEN
from portal.core.keys import KeyDestroyed
from portal.core.sealed import SealBroken
from portal.policies.looking import SAME_PHOTO


def open_faces() -> dict[UUID, Embeddings]:
    """The own probes of every open case, as far as they are of the pack in use."""
    probes = Probe.objects.filter(kind=ProbeKind.OWN, pack=service.pack().name)
    cases = Case.objects.filter(state__in=OPEN, route=Route.PHOTO, withdrawn_at=None, pk__in=probes.values("case"))
    faces = {}
    for case in cases:
        with suppress(KeyDestroyed, SealBroken):  # its own job says so, and no other search stops for it
            faces[case.code] = personal.probes(case)
    return faces


def note(case: Case, probes: Embeddings, matches: Iterable[Match], others: Mapping[UUID, Embeddings]) -> None:
    """Of two cases with one face both are warned, so hold no lock of a case: two searches could wait for each other."""
    if _is_of_the_index(case, matches):
        _warn(case.code, CautionKind.SAME_PHOTO, None)
    for other, is_alike in zip(others, service.alike(probes, list(others.values())), strict=True):
        if is_alike and other != case.code:
            _warn(case.code, CautionKind.SAME_FACE, other)
            _warn(other, CautionKind.SAME_FACE, case.code)


def _is_of_the_index(case: Case, matches: Iterable[Match]) -> bool:
    own = [match.similarity for match in matches if match.similarity is not None and not match.expanded]
    return max(own, default=-1.0) >= SAME_PHOTO or service.has_file(personal.digests(case))


def _warn(code: UUID, kind: CautionKind, other: UUID | None) -> None:
    _caution, is_new = Caution.objects.get_or_create(case_id=code, kind=kind, other_id=other)
    if is_new:
        append.append(Tag.CASE_CAUTIONED, about=code, kind=kind.value, other=other)
