"""What was asked of a CRM: for the acts that ask and answer, and for whoever shows its records."""

from __future__ import annotations

from taskhub.connectors.asking import store

add = store.add
get = store.get
save = store.save
pending = store.pending
open_of = store.open_of
about = store.about
