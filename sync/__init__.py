"""An anonymised copy of production's database: rules, fakes, and runs that can be resumed."""
