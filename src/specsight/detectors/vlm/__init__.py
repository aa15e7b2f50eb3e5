"""A vision-language model as a detector: it is asked, and says how likely it answers yes."""
