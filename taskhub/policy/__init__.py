"""What operations people decide, typed. Pure: TOML texts in, ``Policies`` or every problem at once out."""
