"""Why a verb did not happen."""


class Unreadable(Exception):
    """A list that cannot be taken as it is; the message is a sentence for whoever sent it."""
