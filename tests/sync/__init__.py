"""The sync engine on real databases: PostgreSQL from its wheel, SQLite in files."""
