"""Searches over every face of the index, for one case or for many in one pass."""

from collections.abc import Callable, Sequence

from matching import calibration as bands_from
from matching.calibration import Calibration
from matching.erasure import require_replayed
from matching.index import Hit, require_pack
from matching.index import store as index
from matching.search import expansion
from matching.types import Band, Embeddings, Match, SearchResult, Sought, Thresholds

LimitsFor = Callable[[int], Thresholds]  # of so many probes


def sweep(cases: Sequence[Sought]) -> list[SearchResult]:
    """One result for each case, in one pass over the index; thresholds are each case's own.

    Cases that go on from what is known have a second pass together.
    """
    if not cases:
        return []
    limits_for = bands()
    limits = [limits_for(len(case.probes)) for case in cases]
    hits = index().sweep([case.probes for case in cases], at_least=[limit.probable for limit in limits])
    found = [[match(hit, limit) for hit in some] for some, limit in zip(hits, limits, strict=True)]
    beyond = further(cases, found, limits, limits_for)
    return [SearchResult((*own, *more), limit) for own, more, limit in zip(found, beyond, limits, strict=True)]


def further(
    cases: Sequence[Sought], found: Sequence[Sequence[Match]], limits: Sequence[Thresholds], limits_for: LimitsFor
) -> list[list[Match]]:
    """What further probes of each case find that the subject's own did not, in one pass for all."""
    guard = bands_from.guard(calibration())
    probes = [more_probes(case, own, limit, guard) for case, own, limit in zip(cases, found, limits, strict=True)]
    if not any(map(len, probes)):
        return [[] for _ in cases]
    wide = [limits_for(len(case.probes) + len(more)).probable for case, more in zip(cases, probes, strict=True)]
    hits = index().sweep(probes, at_least=wide)
    return [
        theirs(case, own, some, probable, guard=guard) if len(more) else []
        for case, own, more, some, probable in zip(cases, found, probes, hits, wide, strict=True)
    ]


def more_probes(case: Sought, found: Sequence[Match], limits: Thresholds, guard: float) -> Embeddings:
    """(n, dim); none where the subject's own reach down to the guard themselves."""
    none = case.probes[:0]
    if case.known is None or not len(case.probes):
        return none
    if guard >= limits.probable and not len(case.known.mirrored):
        return none
    more = expansion.further(case.probes, case.known, certain_of(found))
    return more if len(more) else none


def theirs(case: Sought, found: Sequence[Match], hits: Sequence[Hit], probable: float, *, guard: float) -> list[Match]:
    """Of what further probes found, the faces that are new and may be the subject's."""
    assert case.known is not None
    ids = {match.face_id for match in found}
    candidates = [hit for hit in hits if hit.face_id not in ids]
    confirmed, limit = certain_of(found), min(guard, probable)
    kept = expansion.kept(candidates, case.probes, case.known, confirmed=confirmed, guard=limit)
    return [
        Match(hit.face_id, hit.image_id, hit.similarity, Band.PROBABLE, expanded=near_own < probable)
        for hit, near_own in kept
    ]


def certain_of(found: Sequence[Match]) -> list[Match]:
    return [match for match in found if match.band is Band.CERTAIN]


def operator_search(probes: Embeddings, *, limit: int) -> tuple[Match, ...]:
    """What a client of the operator is shown: the same search without the hidden images. Errors: IndexBehind."""
    require_replayed()
    limits = bands()(len(probes))
    hits = index().search_shown(probes, at_least=limits.probable, limit=limit)
    return tuple(match(hit, limits) for hit in hits)


def same_person(one: Embeddings, other: Embeddings) -> bool:
    """Whether the nearest two of these probes are as alike as 99 % of genuine pairs."""
    return alike(one, [other])[0]


def alike(one: Embeddings, others: Sequence[Embeddings]) -> list[bool]:
    """The same of one with each of the others."""
    guard = bands_from.guard(calibration())
    return [bool(len(one) and len(other) and (one @ other.T).max() >= guard) for other in others]


def bands() -> LimitsFor:
    """The thresholds for any number of probes, in the index as it is now: it is counted and asked for its pack once."""
    pack, measured, size = require_pack(), calibration(), index_size()
    return lambda probes: bands_from.thresholds(measured, pack=pack.info.name, index_size=size, probes=max(1, probes))


def index_size() -> int:
    """How many faces the index holds, hidden ones too."""
    return index().size()


def calibration() -> Calibration | None:
    return bands_from.for_recogniser(require_pack().recogniser_sha256)


def match(hit: Hit, limits: Thresholds) -> Match:
    return Match(hit.face_id, hit.image_id, hit.similarity, bands_from.band(hit.similarity, limits))
