"""Facts from outside: parse the envelope, store once, hand over to the rules."""
