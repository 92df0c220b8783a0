"""What each proof allows."""

from portal.policies.assurance import DENIED, Erase, Proof, Right, See, allowance


def test_no_proof_allows_nothing() -> None:
    assert allowance(Right.ERASURE, Proof.NONE, "ca-pipeda") == DENIED


def test_a_photo_erases_after_staff_and_shows_nothing() -> None:
    allowed = allowance(Right.ERASURE, Proof.PHOTO, "eu-gdpr")
    assert (allowed.erase, allowed.see) == (Erase.AFTER_STAFF, See.NOTHING)


def test_what_is_probable_needs_two_people_under_every_proof() -> None:
    for proof in Proof:
        assert allowance(Right.ERASURE, proof, "ca-pipeda").people_for_probable >= 2
