"""What Prometheus reads: figures of the house from the database, figures of the process from its tally."""
