"""The page on which raters rate what models said, one statement at a time, without knowing which model said it."""
