"""From TOML text to typed policies, one reader per config file. Readers never raise: they note what is wrong."""
