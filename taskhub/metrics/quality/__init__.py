"""What second looks have found: the only figures of quality that somebody has looked for."""
