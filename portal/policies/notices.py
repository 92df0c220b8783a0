"""What recipients of removed images are told, and how long they have."""

from datetime import timedelta

# Art. 19 names no period. Art. 12(3) gives the controller one month for the whole request; half of it leaves staff
# the other half to go after whoever stays silent.
ACKNOWLEDGE_WITHIN = timedelta(days=14)
# How long removals are gathered into one notice to a recipient (setting NOTICE_WINDOW_SECONDS).
GATHERED_FOR = timedelta(hours=24)
BASIS = "GDPR Art. 19; order of the competent authority"
DEMAND = (
    "Delete every copy of these images, every face template computed from them and every search result that holds them,"
    " and keep none. Then acknowledge this notice."
)
