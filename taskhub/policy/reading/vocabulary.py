"""Words with a fixed meaning in policy files. Other rooms' tests compare them with what the code knows."""

from __future__ import annotations

from collections.abc import Mapping

NOUNS = ("lead", "deal", "account", "contact", "activity")
COMPLETED = "task.completed"
EVENT_TYPES = (
    *(f"{noun}.{verb}" for noun in NOUNS for verb in ("created", "updated", "deleted")),
    *(f"{noun}.{verb}" for noun in ("lead", "deal") for verb in ("stage_changed", "lost", "reopened")),
    *("lead.taken_over", "lead.converted", "deal.won", "activity.completed", COMPLETED),
)

_PARTY = ("id", "name", "company", "email", "phone", "language")
_SALE = (
    *_PARTY,
    *("title", "stage", "pipeline", "owner", "amount", "currency", "status", "lost_reason", "expected_close_on"),
    *("labels", "deal", "lead", "contact", "account", "deleted"),
)
FIELDS: Mapping[str, tuple[str, ...]] = {
    "lead": _SALE,
    "deal": _SALE,
    "account": (*_PARTY, "owner", "deleted"),
    "contact": (*_PARTY, "owner", "account", "deleted"),
    "activity": ("id", "title", "type", "due_on", "done", "owner", "deal", "lead", "contact", "account", "deleted"),
    "task": ("id", "kind", "outcome", "priority", "level", "completed_by", "data"),
    "event": ("type", "source", "connection", "by", "occurred_at"),
}
ROOTS = (*FIELDS, "data")
MANY_VALUED = ("labels",)
STATUSES: Mapping[str, tuple[str, ...]] = {
    "lead": ("open", "converted", "lost"),
    "deal": ("open", "won", "lost"),
}
# What an event's own type says of its record's status.
IMPLIED: Mapping[str, tuple[str, str]] = {
    "lead.converted": ("lead.status", "converted"),
    "lead.lost": ("lead.status", "lost"),
    "lead.reopened": ("lead.status", "open"),
    "deal.won": ("deal.status", "won"),
    "deal.lost": ("deal.status", "lost"),
    "deal.reopened": ("deal.status", "open"),
}

EVERY_KIND = "*"
EVERY = ("first working day",)
SLA_FROM = ("ready_at", "occurred_at")
NOT_BY = ("completer", "owner")
ROLES = ("agent", "rep", "manager", "director", "admin", "integration", "auditor")
SYSTEMS = ("pipedrive", "salesforce", "dynamics", "hubspot", "standard_webhooks")
SEND_KEY = "send_key"  # with which what leaves is signed
SECRETS: Mapping[str, tuple[str, ...]] = {
    "dynamics": ("code", "header", "query", "path"),
    "hubspot": ("client_secret",),
    "pipedrive": ("path", "user", "password", "token", "client_id", "client_secret", "refresh_token"),
    "salesforce": ("path", "bearer", "signing_key"),
    "standard_webhooks": ("signing_key", "path", SEND_KEY),
}
# Secrets of which a connection needs one, or its hook lets nobody in.
LETS_IN: Mapping[str, tuple[str, ...]] = {
    "dynamics": ("code", "header", "query", "path"),
    "hubspot": ("client_secret",),
    "pipedrive": ("path", "password"),
    "salesforce": ("path", "bearer", "signing_key"),
    "standard_webhooks": ("signing_key",),
}
# Further secrets, with which taskhub logs in over there; Pipedrive's stand above.
CALL_SECRETS: Mapping[str, tuple[str, ...]] = {
    "salesforce": ("client_id", "client_secret", "private_key"),
    "dynamics": ("client_id", "client_secret"),
}
# Secrets that let nobody in by themselves: what taskhub shows in calls, and a name, which needs its password.
NO_PROOF: Mapping[str, tuple[str, ...]] = {
    **CALL_SECRETS,
    "pipedrive": ("user", "token", "client_id", "client_secret", "refresh_token"),
    "standard_webhooks": (SEND_KEY,),
}
CALL_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "pipedrive": ("base_url", "token_url"),
    "salesforce": (
        *("base_url", "login_url", "audience", "username", "api_version"),
        *("task_key_field", "task_done", "task_cancelled", "task_open", "converted_status"),
    ),
    "dynamics": ("base_url", "token_url", "tenant", "create_account", "create_contact"),
}
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "dynamics": (
        *("organization_id", "own_user", "header_name", "query_name", "entities", "currencies", "pipelines"),
        *("statuses", "lost_reasons"),
    ),
    "hubspot": ("address", "portal_id", "own_user", "statuses", "pipelines"),
    "pipedrive": (
        *("company_id", "company_domain", "own_user", "pipelines", "lead_lost_when_archived", "lost_labels"),
        "lost_reasons",
    ),
    "salesforce": ("organization_id", "own_user", "entities", "statuses", "lost_reasons", "pipelines"),
}
# Systems that taskhub writes into, and how much of our tasks it shows there.
WRITTEN_TO = ("pipedrive", "salesforce", "dynamics")
SHOWN_TASKS = ("off", "done", "assigned")
# What a connection may say its words for an end, or for going on, mean.
MEANINGS: Mapping[str, tuple[str, ...]] = {**STATUSES, "activity": ("open", "done")}
