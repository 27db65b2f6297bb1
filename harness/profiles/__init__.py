"""How long and how hard to measure: one TOML file a profile."""
