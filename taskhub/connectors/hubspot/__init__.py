"""HubSpot's webhooks: one property, creation or deletion at a time."""
