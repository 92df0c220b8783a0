"""The life of a case and its removals as a state machine: whatever people, workers, kills and time do, in any order."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import hypothesis
import pytest
from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from matching import service
from matching.types import Store
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.seen import Unseen
from portal.audit.tags import Tag
from portal.cases import actions, decisions
from portal.cases.faults import Finished
from portal.cases.models import Case, Outcome, Proposal, RefusalReason
from portal.cases.states import MOVES, State
from portal.core import clock, keys
from portal.core.faults import NotAllowed, Stale
from portal.jobs import run
from portal.jobs.models import Job
from portal.takedowns import connectors
from portal.takedowns.models import Takedown
from portal.takedowns.states import TAKEDOWN_MOVES, TakedownState
from tests.builders import look_at, make_account, make_case
from tests.matching.builders import make_image, unit_rows

HIDDEN = (TakedownState.HIDDEN, TakedownState.REMOVING, TakedownState.REMOVED, TakedownState.PURGED)
GONE = (TakedownState.REMOVED, TakedownState.PURGED)
REFUSED = (Finished, NotAllowed, Stale, Unseen)


class Killed(BaseException):
    """As if the worker had been killed: nothing catches it."""


class Life(RuleBasedStateMachine):
    """One case with the images at one page, each in the operator's search until it is hidden for the case."""

    def __init__(self) -> None:
        super().__init__()
        clock.reset()
        Job.objects.all().delete()
        self.page = f"https://photos.example/{uuid4()}"
        self.images = [self._image(), self._image()]
        self.case = make_case(addresses=[self.page], address=f"{uuid4()}@example.org")
        self.sam, self.lee = (_account(name) for name in ("sam", "lee"))

    def _image(self) -> UUID:
        return make_image(unit_rows(1, seed=secrets.randbits(32)), page=self.page)

    def _now(self) -> Case:
        return Case.objects.get(pk=self.case.pk)

    def _takedowns(self) -> list[Takedown]:
        return list(Takedown.objects.filter(removal__origin=self.case.pk))

    # --- what people do ---

    @initialize(at_once=st.booleans())
    def begin(self, at_once: bool) -> None:
        if at_once:
            actions.submit(self.case)
            self.work(jobs=5)

    @precondition(lambda self: self._now().state == State.DRAFT)
    @rule()
    def submit(self) -> None:
        actions.submit(self.case)

    @precondition(lambda self: self._now().state != State.DRAFT)
    @rule(first=st.booleans())
    def approve(self, first: bool) -> None:
        chosen = list(self._now().matches.values_list("pk", flat=True))[: 1 if first else None]
        with suppress(*REFUSED):
            look_at(self._now(), self.sam)
            decisions.approve(self._now(), by=self.sam, matches=chosen)

    @rule(delete=st.booleans())
    def propose_to_decide(self, delete: bool) -> None:
        chosen = self._now().matches.filter(decision="open").values_list("pk", flat=True) if delete else []
        with suppress(*REFUSED):
            look_at(self._now(), self.sam)
            decisions.propose_decision(self._now(), by=self.sam, delete=chosen)

    @rule()
    def propose_to_refuse(self) -> None:
        with suppress(*REFUSED):
            look_at(self._now(), self.sam)
            decisions.propose_refusal(self._now(), by=self.sam, reason=RefusalReason.ABUSIVE)

    @rule()
    def propose_to_restore(self) -> None:
        chosen = self._now().matches.values_list("pk", flat=True)[:1]
        with suppress(*REFUSED):
            look_at(self._now(), self.sam)
            decisions.propose_restore(self._now(), by=self.sam, matches=chosen)

    @precondition(lambda self: self._open_proposal() is not None)
    @rule(verb=st.sampled_from([decisions.confirm, decisions.confirm, decisions.decline, decisions.take_back]))
    def answer(self, verb: Callable[..., None]) -> None:
        look_at(self._now(), self.lee)
        with suppress(*REFUSED):
            verb(self._open_proposal(), by=self.sam if verb is decisions.take_back else self.lee)

    def _open_proposal(self) -> Proposal | None:
        return Proposal.objects.filter(case=self.case, outcome=Outcome.OPEN).first()

    @rule(really=st.sampled_from([True, False, False, False]))
    def withdraw(self, really: bool) -> None:
        if really:
            with suppress(*REFUSED):
                actions.withdraw(self._now())

    @precondition(lambda self: len(self.images) < 5)
    @rule()
    def harvest_another(self) -> None:
        self.images.append(self._image())

    # --- what the machinery and the world do ---

    @rule(jobs=st.integers(1, 6))
    def work(self, jobs: int) -> None:
        run.drain(most=jobs)

    @rule(statements=st.integers(0, 60))
    def work_and_be_killed(self, statements: int) -> None:
        left = statements

        def count(execute: Callable[..., Any], *given: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return execute(*given)

        with suppress(Killed), connection.execute_wrapper(count):
            run.drain(most=4)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobs_job SET leased_until = now() - interval '1 second' WHERE state = 'running'")

    @rule(hours=st.sampled_from([1, 12, 48]))
    def time_passes(self, hours: int) -> None:
        clock.move(timedelta(hours=hours))

    # --- what always holds ---

    @invariant()
    def states_follow_their_tables_and_the_trail(self) -> None:
        moves = list(Entry.objects.filter(tag=Tag.CASE_MOVED, about=str(self.case.pk)).order_by("pk"))
        path = [State.DRAFT.value, *(entry.detail["to"] for entry in moves)]
        assert [entry.detail["was"] for entry in moves] == path[:-1]
        assert all(to in MOVES[State(was)] for was, to in pairwise(path))
        assert path[-1] == self._now().state
        for takedown in self._takedowns():
            self._follows_the_trail(takedown)

    def _follows_the_trail(self, takedown: Takedown) -> None:
        entries = Entry.objects.filter(tag=Tag.TAKEDOWN_MOVED, about=str(takedown.removal_id))
        moves = list(entries.filter(detail__image=str(takedown.image_id)).order_by("pk"))
        path = [TakedownState.QUEUED.value, *(entry.detail["to"] for entry in moves)]
        assert [entry.detail["was"] for entry in moves] == path[:-1]
        assert all(to in TAKEDOWN_MOVES[was] for was, to in pairwise(path))
        assert path[-1] == takedown.state

    @invariant()
    def nothing_is_shown_that_is_being_removed(self) -> None:
        shown = service.searchable(self.images)
        takedowns = self._takedowns()
        assert not shown & {takedown.image_id for takedown in takedowns if takedown.state in HIDDEN}
        began = {takedown.image_id for takedown in takedowns if takedown.state != TakedownState.RESTORED}
        assert set(self.images) - began <= shown

    @invariant()
    def removed_is_gone_from_every_store_and_recorded_once(self) -> None:
        for takedown in self._takedowns():
            verified = Entry.objects.filter(tag=Tag.STEP_VERIFIED, detail__takedown=takedown.pk)
            stores = list(verified.values_list("detail__store", flat=True))
            assert len(stores) == len(set(stores))
            if takedown.state in GONE:
                assert set(stores) == set(connectors.ALL)
                assert not any(service.present(takedown.image_id, store) for store in Store)

    @invariant()
    def what_nobody_decided_to_delete_stays(self) -> None:
        decided = {takedown.image_id for takedown in self._takedowns()}
        for image in set(self.images) - decided:
            assert all(service.present(image, store) for store in Store)

    @invariant()
    def a_closed_case_keeps_nothing_and_an_open_one_its_key(self) -> None:
        case = self._now()
        if case.state == State.CLOSED:
            assert not case.matches.exists()
            assert case.addresses_sealed is None
            # The address stays for the receipt, which is mailed at a time of its own.
            assert case.contact_sealed is None or case.withdrawn_at is None
        elif case.state not in (State.WITHDRAWN, State.EXPIRED):
            assert keys.exists(case.key_id)

    def teardown(self) -> None:
        """However it went, with workers alive and staff who decide, it comes to its end."""
        if self._now().received_at is None:
            self._ends_as_a_draft()
            return
        for _ in range(6):
            clock.move(timedelta(days=8))
            run.drain()
            if self._now().state == State.REVIEW:
                self._refuse()
        case = self._now()
        assert case.state == State.CLOSED, (case.state, list(Job.objects.exclude(state="done").values()))
        assert not keys.exists(case.key_id)
        assert {takedown.state for takedown in self._takedowns()} <= {TakedownState.PURGED, TakedownState.RESTORED}
        self.removed_is_gone_from_every_store_and_recorded_once()

    def _ends_as_a_draft(self) -> None:
        run.drain()
        case = self._now()
        assert case.state in (State.DRAFT, State.WITHDRAWN)
        assert keys.exists(case.key_id) == (case.state == State.DRAFT)
        self.what_nobody_decided_to_delete_stays()

    def _refuse(self) -> None:
        while (waiting := self._open_proposal()) is not None:  # one of each kind may wait
            decisions.take_back(waiting, by=self.sam)
        look_at(self._now(), self.sam, self.lee)
        proposal = decisions.propose_refusal(self._now(), by=self.sam, reason=RefusalReason.ABUSIVE)
        decisions.confirm(proposal, by=self.lee)


def _account(name: str) -> User:
    return User.objects.filter(name=name).first() or make_account(name)


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_the_promises_hold(settings: Settings) -> None:
    settings.COOLING = settings.PURGE_AFTER = timedelta(hours=24)
    few = hypothesis.settings(
        max_examples=int(os.environ.get("LIVES", "8")),
        stateful_step_count=15,
        deadline=None,
        database=None,
        # A failure is told as it was found: making it shorter takes many lives, each with a purge.
        phases=[hypothesis.Phase.generate],
    )
    run_state_machine_as_test(Life, settings=few)
