"""The recipe of the head that reads deviations and obeys clauses (`fusion`)."""
