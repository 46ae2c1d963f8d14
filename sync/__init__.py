"""An anonymised copy of production's database; not built yet."""
