"""Every number that the documents print about detection and localisation: one command measures and tabulates them."""
