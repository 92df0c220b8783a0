"""When things happen by themselves. Where a setting of .env.example names one of these, this is its default."""

from datetime import timedelta

# When the resident is told "finished", whatever was found (docs/decisions/0004-one-answer-for-everyone.md).
ANSWER_AFTER = timedelta(days=7)
# How long after that a case stays open only because its subject could not be told.
TELL_FOR = timedelta(days=14)

# How long a hidden image can still be restored before it is removed from every store.
COOLING = timedelta(hours=24)
# How soon removed rows are purged from the data files.
PURGE_AFTER = timedelta(hours=24)

# How often the ledger is published.
PUBLISH_EVERY = timedelta(hours=24)
# How often regulators are given new figures. Between two of them nothing that a regulator reads changes.
RELEASE_EVERY = timedelta(hours=24)
# How often the trail's root enters it: a little less than a day, so that a publication some seconds early skips none.
TRAIL_ROOT_EVERY = timedelta(hours=20)

# How long before a case's due date somebody is alerted that it is still open.
WARN_BEFORE_DUE = timedelta(days=5)
# How long after an alert its trouble is told again, if it lasts.
ALERT_AGAIN_AFTER = timedelta(hours=24)

# How often the retention table is carried out.
RETENTION_RUN_EVERY = timedelta(hours=1)
