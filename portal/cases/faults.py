"""What can go wrong for the person who acts; each surface turns these into a sentence that says what to do."""


class WrongCode(Exception):
    def __init__(self, tries_left: int) -> None:
        super().__init__()
        self.tries_left = tries_left


class CodeExpired(Exception):
    """The code is too old, was used up by wrong tries, or never existed."""


class TooManyCodes(Exception):
    """The budget of mails for this address or this case is spent for now."""


class TooManyCases(Exception):
    """The budget of new cases of this visitor, or of all, is spent for now."""


class TooManyUnlocks(Exception):
    """This person has unlocked as many cases as one may in a day."""


class TooManyPhotos(Exception):
    """The case has as many photos as it may have; one must be taken back first."""


class Incomplete(Exception):
    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing


class Finished(Exception):
    """The end was announced already; there is nothing left to stop."""
