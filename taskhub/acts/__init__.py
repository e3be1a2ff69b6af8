"""Acts that span rooms: one function each, one transaction, no SQL and no rules of their own."""
