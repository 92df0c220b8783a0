"""Exact searches over every face of the index, for one case or for many in one pass."""

from collections.abc import Callable, Sequence

from matching.calibration import Calibration, band_of, calibration_for, threshold_at_target_fnmr, thresholds
from matching.erasure import require_replayed
from matching.index import Hit, require_pack
from matching.index import store as index
from matching.search import expansion
from matching.types import Band, CaseProbes, Embeddings, Match, SearchResult, Thresholds

ThresholdsFor = Callable[[int], Thresholds]  # for a case with so many probes


def sweep(cases: Sequence[CaseProbes]) -> list[SearchResult]:
    """One result for each case, from one pass over the index; the thresholds are each case's own.

    Cases with a basis for expansion share a second pass. Errors: PackError, IndexAway.
    """
    if not cases:
        return []
    thresholds_of = thresholds_for_index()
    limits = [thresholds_of(len(case.probes)) for case in cases]
    hits = index().sweep([case.probes for case in cases], at_least=[limit.probable for limit in limits])
    found = [[match(hit, limit) for hit in some] for some, limit in zip(hits, limits, strict=True)]
    expanded = expand(cases, found, limits, thresholds_of)
    return [SearchResult((*own, *more), limit) for own, more, limit in zip(found, expanded, limits, strict=True)]


def expand(
    cases: Sequence[CaseProbes],
    found: Sequence[Sequence[Match]],
    limits: Sequence[Thresholds],
    thresholds_of: ThresholdsFor,
) -> list[list[Match]]:
    """What further probes of each case find beyond the subject's own probes, from one pass for all cases."""
    genuine = threshold_at_target_fnmr(calibration())
    probes = [
        further_probes(case, own, limit, genuine=genuine) for case, own, limit in zip(cases, found, limits, strict=True)
    ]
    if not any(map(len, probes)):
        return [[] for _ in cases]
    probable = [thresholds_of(len(case.probes) + len(more)).probable for case, more in zip(cases, probes, strict=True)]
    hits = index().sweep(probes, at_least=probable)
    return [
        further_matches(case, own, some, least, genuine=genuine) if len(more) else []
        for case, own, more, some, least in zip(cases, found, probes, hits, probable, strict=True)
    ]


def further_probes(case: CaseProbes, found: Sequence[Match], limits: Thresholds, *, genuine: float) -> Embeddings:
    """(n, dim); empty where expansion can find nothing, because the own probes reach as far down themselves."""
    none = case.probes[:0]
    if case.expand_from is None or not len(case.probes):
        return none
    if genuine >= limits.probable and not len(case.expand_from.mirrored):
        return none
    more = expansion.further_probes(case.probes, case.expand_from, certain_of(found))
    return more if len(more) else none


def further_matches(
    case: CaseProbes, found: Sequence[Match], hits: Sequence[Hit], probable: float, *, genuine: float
) -> list[Match]:
    """The hits of further probes that are new and that the rule of expansion accepts; none of them is certain."""
    assert case.expand_from is not None
    ids = {match.face_id for match in found}
    candidates = [hit for hit in hits if hit.face_id not in ids]
    accepted = expansion.accepted(
        candidates, case.probes, case.expand_from, certain=certain_of(found), genuine=min(genuine, probable)
    )
    return [
        Match(hit.face_id, hit.image_id, hit.similarity, Band.PROBABLE, expanded=to_own < probable)
        for hit, to_own in accepted
    ]


def certain_of(found: Sequence[Match]) -> list[Match]:
    return [match for match in found if match.band is Band.CERTAIN]


def operator_search(probes: Embeddings, *, limit: int) -> tuple[Match, ...]:
    """What a client of the operator sees: the same search without hidden images. Errors: IndexBehind."""
    require_replayed()
    limits = thresholds_for_index()(len(probes))
    hits = index().operator_search(probes, at_least=limits.probable, limit=limit)
    return tuple(match(hit, limits) for hit in hits)


def same_person(one: Embeddings, other: Embeddings) -> bool:
    """Whether the most similar two of these probes are as similar as 99 % of genuine pairs. Errors: PackError."""
    return alike(one, [other])[0]


def alike(one: Embeddings, others: Sequence[Embeddings]) -> list[bool]:
    """Whether one is the same person as each of the others, as `same_person` decides it. Errors: PackError."""
    genuine = threshold_at_target_fnmr(calibration())
    return [bool(len(one) and len(other) and (one @ other.T).max() >= genuine) for other in others]


def thresholds_for_index() -> ThresholdsFor:
    """The thresholds for any number of probes. The index is counted, and its pack checked, once. Errors: PackError."""
    pack, measured, size = require_pack(), calibration(), index_size()
    return lambda probes: thresholds(measured, pack=pack.info.name, index_size=size, probes=max(1, probes))


def index_size() -> int:
    """How many faces the index holds, including those of hidden images."""
    return index().size()


def calibration() -> Calibration | None:
    return calibration_for(require_pack().recogniser_sha256)


def match(hit: Hit, limits: Thresholds) -> Match:
    return Match(hit.face_id, hit.image_id, hit.similarity, band_of(hit.similarity, limits))
