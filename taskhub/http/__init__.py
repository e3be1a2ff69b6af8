"""The edge shared by api and web: app, transaction per call, problems, body guard, idempotency, paging."""
