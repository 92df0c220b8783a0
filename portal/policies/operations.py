"""How long the operator's machines wait before they give something up, or look for it again."""

from datetime import timedelta

# A worker without a sign of life for so long counts as dead; several sweeps of the queue are missed by then.
SILENT_AFTER = timedelta(minutes=3)
# A job that still runs then hangs: another worker takes it.
JOB_RUNS_AT_MOST = timedelta(hours=12)
# The pauses between the tries of a job that fails grow up to this.
RETRY_WITHIN = timedelta(hours=1)
# How long after closing a case or a block its key is looked for, should the job that destroys it be lost.
KEYS_LOOKED_FOR = timedelta(days=30)
# The rate of an order's deletions is measured over so long: over less it is noise, over more it tells of the past.
RATE_MEASURED_OVER = timedelta(minutes=2)
# What a process that was killed left half written for the broker.
ABANDONED_AFTER = timedelta(hours=1)
# How long a browser that was here refuses to come without encryption, and keeps what never changes.
HTTPS_ONLY_FOR = timedelta(days=365)
KEEP_IMMUTABLE_FOR = timedelta(days=365)
