"""Numbers of balanced openings that planning and playing share."""

DRAWS = 16  # openings tried at most; of none below the bound the most balanced is taken
SPREAD = 60.0  # best seat over worst, 0.2 of leaf_values.SCALE: such a seat, tanh(0.1), scores about 45 to 55 %
