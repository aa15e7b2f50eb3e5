"""Any visual anomaly set → a benchmark of text and pictures: samples, items, curation, answers, scores."""
