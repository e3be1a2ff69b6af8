"""What happens here, told to others as signed events: CloudEvents, posted as Standard Webhooks until they are taken."""
