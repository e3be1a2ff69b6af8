"""Any sender of Standard Webhooks: signed CloudEvents or native events."""
