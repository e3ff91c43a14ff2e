"""The platforms' files, one TOML file each; ``README.md`` says how one is written."""
