"""The recipe of language models that point (`specsight train language`)."""
