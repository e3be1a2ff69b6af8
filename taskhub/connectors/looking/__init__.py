"""taskhub looks by itself: polls that repair what deliveries lost, and records read again when they are in doubt."""
