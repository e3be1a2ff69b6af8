"""The CRMs: what they send becomes native events, what we decide goes back to them."""
