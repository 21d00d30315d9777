"""Numbers of balanced openings that planning and playing share."""

from ringrift.players.search.leaf_values import SCALE

DRAWS = 16  # openings tried at most; of none below the bound the most balanced is taken
SPREAD = 0.2 * SCALE  # best seat over worst: a relative value of 0.1 SCALE, tanh(0.1), scores about 45 to 55 %
