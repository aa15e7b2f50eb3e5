"""Methods that look at depth, alone or beside colours."""
