"""Which folder reads which system's hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from taskhub.connectors.dynamics.inbound import DynamicsInbound
from taskhub.connectors.hubspot.inbound import HubSpotInbound
from taskhub.connectors.inbound import Inbound
from taskhub.connectors.pipedrive.inbound import PipedriveInbound
from taskhub.connectors.salesforce.inbound import SalesforceInbound
from taskhub.connectors.webhooks.inbound import StandardWebhooksInbound
from taskhub.errors import NotFound

_SYSTEMS: Mapping[str, Callable[[], Inbound]] = {
    "dynamics": DynamicsInbound,
    "hubspot": HubSpotInbound,
    "pipedrive": PipedriveInbound,
    "salesforce": SalesforceInbound,
    "standard_webhooks": StandardWebhooksInbound,
}


def inbound_for(system: str) -> Inbound:
    """The reader for connections of ``system``; ``NotFound`` (``system_unknown``) when there is none."""
    make = _SYSTEMS.get(system)
    if make is None:
        raise NotFound(f"No connector reads hooks of {system!r}.", code="system_unknown", known=sorted(_SYSTEMS))
    return make()
