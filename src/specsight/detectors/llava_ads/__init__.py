"""LLaVA-ADS: a vision-language model whose tokens point."""
