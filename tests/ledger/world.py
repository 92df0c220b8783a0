"""A small log made of the ledger's own parts, without a database: for what is checked from outside."""

from dataclasses import dataclass, field
from uuid import UUID

from portal.ledger import checkpoint, leaves, proof, record, verify
from portal.ledger.checkpoint import Head
from portal.ledger.note import Signer, encode
from portal.ledger.tree import Tree

NAME = "log.example/ledger"
SIGNER, OTHER = Signer(NAME, bytes([7]) * 32), Signer(NAME, bytes([8]) * 32)
STORES = ("addresses", "derived", "images", "index", "recipients")
PURGED = "2026-03-15T00:00:00+00:00"
KEY, OTHER_KEY = str(SIGNER.verifier), str(OTHER.verifier)


def keys_of(*keys: str) -> list[verify.Key]:
    return [verify.parse_key(key) for key in keys]


@dataclass(frozen=True)
class Case:
    salt: bytes
    body: dict[str, str]
    record: record.Record

    @property
    def entry(self) -> bytes:
        return leaves.leaf_hash(self.salt, self.body)

    def opening(self, *, with_record: bool) -> bytes:
        shown = {"body": self.body, "salt": self.salt.hex(), **(self.record.as_json() if with_record else {})}
        return leaves.canonical(shown)


def make_case(number: int, *, seed: int, reference: str) -> Case:
    steps = [
        record.Step(
            UUID(int=image),
            store,
            "2026-03-14T09:00:00+00:00",
            PURGED if store == "index" else "",
            log_checked=image > 0,
        )
        for image in range(number % 4)
        for store in STORES
    ]
    made = record.make(steps, finished=True)
    facts = {
        "case": str(UUID(int=number)),
        "reference": reference,
        "received_on": "2026-03-14",
        "statute": "ca-pipeda",
        "record": made.commitment,
    }
    return Case(bytes([seed, number % 256]) * 16, leaves.body(leaves.Kind.CLOSED, facts), made)


@dataclass
class World:
    """A log of `cases` closing leaves; another seed is another history."""

    cases: int
    seed: int = 0
    reference: str = "ABCD-1234"
    signer: Signer = SIGNER
    made: list[Case] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number in range(len(self.made), self.cases):
            self.made.append(make_case(number, seed=self.seed, reference=self.reference))

    def grown(self, *, cases: int) -> "World":
        return World(self.cases + cases, self.seed, self.reference, self.signer, list(self.made))

    def steps_of(self, number: int) -> int:
        return len(self.made[number].record.steps)

    @property
    def tree(self) -> Tree:
        return Tree(case.entry for case in self.made)

    def checkpoint(self) -> bytes:
        return checkpoint.sign(Head(NAME, self.cases, self.tree.root()), [self.signer]).encode()

    def leaves(self) -> bytes:
        return "".join(f"{encode(case.entry)}\n" for case in self.made).encode()

    def growth(self, old: int) -> bytes:
        path = self.tree.consistency(old, self.cases)
        return proof.write_growth(old=old, path=path, checkpoint=self.checkpoint().decode()).encode()

    def receipt(self, number: int, *, with_record: bool = False) -> bytes:
        return self.with_opening(number, self.made[number].opening(with_record=with_record))

    def with_opening(self, number: int, opening: bytes) -> bytes:
        path = self.tree.inclusion(number, self.cases)
        written = proof.write(extra=opening, index=number, path=path, checkpoint=self.checkpoint().decode())
        return written.encode()
