"""Why a verb did not happen."""


class NotAllowed(Exception):
    """The rules forbid it: another person must, or there is no such move."""


class StaleOrder(Exception):
    """The order moved on meanwhile."""


class Unreadable(Exception):
    """A list that cannot be taken as it is; the message is a sentence for whoever sent it."""
