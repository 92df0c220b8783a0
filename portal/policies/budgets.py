"""How often, and for how long, somebody may do something. Whoever has spent a budget waits until its period is over."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Budget:
    most: int
    per: timedelta
    reason: str


SIGN_IN_TO_ACCOUNT_FROM_ADDRESS = Budget(8, timedelta(minutes=15), "one password cannot be guessed from one place")
SIGN_IN_FROM_ADDRESS = Budget(40, timedelta(minutes=15), "an office shares one address")
SIGN_IN_TO_ACCOUNT = Budget(100, timedelta(minutes=15), "nor from many places")
# A device that the account signed in from before has a count of its own instead: nobody else can spend it.
SIGN_IN_ON_DEVICE = Budget(8, timedelta(minutes=15), "who mistypes tries again soon")

# A library or an office is one visitor.
CASES_OF_A_VISITOR = Budget(30, timedelta(hours=1), "one visitor does not fill the table")
CASES_OF_ALL = Budget(3000, timedelta(hours=1), "nor do many together")
MAILS_OF_A_VISITOR = Budget(30, timedelta(hours=1), "one visitor does not write to many strangers")
MAILS_OF_ALL = Budget(5000, timedelta(hours=1), "our mail server is not taken for a sender of spam")

CODES = Budget(5, timedelta(hours=1), "nobody's mailbox is filled, and six digits cannot be guessed")
PHOTOS = Budget(20, timedelta(hours=1), "each is a search for faces, the dearest thing that anyone can ask for")
KEEP_OUT_CODES = Budget(30, timedelta(hours=1), "keep-out codes cannot be guessed")
LOST_CODES_OF_ALL = Budget(1000, timedelta(hours=1), "each keeps a key and a row until the fixed time")
LOST_CODES = Budget(10, timedelta(hours=1), "nobody makes us look for addresses without end")
RECEIPT_CHECKS = Budget(120, timedelta(hours=1), "checking signatures takes the server's time")
CERTIFICATES = Budget(30, timedelta(hours=1), "printing takes more of it")

UNLOCKS = Budget(
    60,
    timedelta(days=1),
    "more than anyone decides in a day, and few enough that nobody leafs through the index case by case",
)
ORDER_COUNTS = Budget(20, timedelta(days=1), "each order that is counted tells what is in the index")
# Staff see the faces of a case for as long as it takes to decide, and not when they come back to an open window.
UNLOCKED_FOR = timedelta(minutes=15)
