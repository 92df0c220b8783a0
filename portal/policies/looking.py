"""How much staff must look at before they decide, and how much of it one person may see in a day."""

# What is too much to look at one by one (a legal hold, an order) is judged by a sample that the system draws. Where
# none of 20 is wrong, at most 14 in 100 of all are (95 % confidence).
SAMPLE = 20
# More than anyone decides in a day, and few enough that nobody leafs through the index case by case.
UNLOCKS_A_DAY = 60
# How many orders one person may see counted: each count tells whether something is in the index.
ORDER_COUNTS_A_DAY = 20
# From here on a photo that somebody sent counts as the very photo in the index.
SAME_PHOTO = 0.999
