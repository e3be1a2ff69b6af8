"""The database: engine, the whole data model on one page, the unit of work, the ledger, history."""
