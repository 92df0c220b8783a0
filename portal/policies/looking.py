"""How much staff must look at before they decide, and what they are warned of."""

# What is too much to look at one by one (a legal hold, an order) is judged by a sample that the system draws. Where
# none of 20 is wrong, at most 14 in 100 of all are (95 % confidence).
SAMPLE = 20
# From here on a photo that somebody sent counts as the very photo in the index.
SAME_PHOTO = 0.999
