"""Every job kind by name: the one place where lower code's names meet higher code's functions."""

from portal.attention import work as attention
from portal.blocks import recovery
from portal.blocks import work as blocks
from portal.cases import receipts
from portal.cases import work as cases
from portal.jobs.kinds import Work
from portal.notices import work as notices
from portal.operations import publication, retention
from portal.orders import work as orders
from portal.statistics import releases
from portal.takedowns import holds
from portal.takedowns import work as takedowns

KINDS: dict[str, Work] = {
    "block.destroy_key": blocks.destroy_key,
    "block.mail_codes": recovery.mail_codes,
    "case.search": cases.search,
    "case.expand": cases.expand,
    "case.settle": cases.settle,
    "case.announce": cases.announce,
    "case.close": cases.close,
    "case.destroy_key": cases.destroy_key,
    "case.expire": cases.expire,
    "case.forget_draft": cases.forget_draft,
    "case.mail_code": cases.mail_code,
    "case.mail_received": cases.mail_received,
    "order.open": orders.open_removals,
    "order.settle": orders.settle,
    "order.close": orders.close,
    "case.record": receipts.close_record,
    "case.mail_receipt": cases.mail_receipt,
    "case.forget_proof": cases.forget_proof,
    "ledger.publish": publication.publish,
    "ledger.mail": publication.mail,
    "hold.over": holds.over,
    "statistics.release": releases.release,
    "removal.hide": takedowns.hide,
    "removal.remove": takedowns.remove,
    "removals.purge": takedowns.purge,
    "notice.send": notices.send,
    "notice.chase": notices.chase,
    "notice.forget": notices.forget,
    "attention.tell": attention.tell,
    "retention.run": retention.run,
}
