"""The one way a mail leaves: what the server answers is final, or is tried again."""

from smtplib import SMTPDataError, SMTPRecipientsRefused

from django.core.mail import EmailMessage

from portal.core import mail_addresses

# RFC 5321 section 4.2.1: the same request will fail again.
_FINAL = range(500, 600)


class Undeliverable(Exception):
    """This address, or this mail to it, was refused for good; `reply` is the server's number."""

    def __init__(self, reply: int) -> None:
        super().__init__(f"refused {reply}")
        self.reply = reply


def deliver(message: EmailMessage) -> None:
    """Send a mail to its one address, written in its one form.

    A 5xx at RCPT or DATA is final. One at any other command (the greeting, AUTH, MAIL) says that our own access is
    wrong, and must not lose the mails of everybody until somebody mends it.

    Errors: Undeliverable; OSError when it is to be tried again.
    """
    message.to = [mail_addresses.normal(address) for address in message.to]
    try:
        message.send()
    except SMTPRecipientsRefused as refused:
        replies = [reply for reply, _why in refused.recipients.values()]
        if all(reply in _FINAL for reply in replies):
            raise Undeliverable(replies[0]) from None
        raise
    except SMTPDataError as refused:
        if refused.smtp_code in _FINAL:
            raise Undeliverable(refused.smtp_code) from None
        raise
