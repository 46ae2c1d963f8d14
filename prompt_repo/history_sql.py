"""What the history index is asked, in SQL."""

HELD = """
SELECT v.id, v.number, c.oid, v.blob, v.parent FROM states s
LEFT JOIN versions v ON v.id = s.version LEFT JOIN commits c ON c.id = v.commit_id
WHERE s.path = (SELECT id FROM paths WHERE path = ?) AND s.lane = ? AND s.position <= ?
ORDER BY s.position DESC LIMIT 1
"""
SPAN = """
SELECT p.path, v.id, v.number, c.oid, v.blob, v.parent, max(s.position) FROM states s
JOIN paths p ON p.id = s.path LEFT JOIN versions v ON v.id = s.version
LEFT JOIN commits c ON c.id = v.commit_id
WHERE s.lane = ? AND s.position > ? AND s.position <= ? GROUP BY s.path
"""
BESIDES = """
SELECT p.path, v.id, v.number, c.oid, v.blob, v.parent FROM states s
JOIN paths p ON p.id = s.path LEFT JOIN versions v ON v.id = s.version
LEFT JOIN commits c ON c.id = v.commit_id
WHERE s.lane = ? AND s.position = ? AND s.path IN (SELECT value FROM json_each(?))
"""
STAYS = """
SELECT at.oid, v.id, v.number, c.oid, v.blob, v.parent FROM states s
JOIN commits at ON at.lane = s.lane AND at.position = s.position
LEFT JOIN versions v ON v.id = s.version LEFT JOIN commits c ON c.id = v.commit_id
WHERE s.path = (SELECT id FROM paths WHERE path = ?) AND s.lane = ? AND s.position <= ?
ORDER BY s.position DESC LIMIT ?
"""
FIELDS = "v.number, c.oid, c.name, c.email, c.at, c.reason, v.blob, p.path, o.oid"
JOINS = """
JOIN commits c ON c.id = v.commit_id JOIN paths p ON p.id = v.path
LEFT JOIN versions j ON j.id = v.joined LEFT JOIN commits o ON o.id = j.commit_id
"""
VERSION = f"SELECT {FIELDS} FROM versions v {JOINS} WHERE v.id = ?"  # noqa: S608 - our own words
CHAIN = """
WITH RECURSIVE chain (id, depth) AS (
    SELECT ?, 0 UNION ALL
    SELECT v.parent, depth + 1 FROM chain JOIN versions v ON v.id = chain.id
    WHERE v.parent IS NOT NULL AND depth < ?
)
"""
LINE = f"""{CHAIN}
SELECT {FIELDS} FROM chain JOIN versions v ON v.id = chain.id {JOINS} ORDER BY depth
"""  # noqa: S608 - our own words
BACK = f"{CHAIN} SELECT id FROM chain ORDER BY depth DESC LIMIT 1"  # noqa: S608 - our own words

REASONS = """
SELECT v.id, c.reason, c.name FROM json_each(?) JOIN versions v ON v.id = value
JOIN commits c ON c.id = v.commit_id
"""

AUTHORS = """
SELECT v.id, c.name FROM json_each(?) JOIN versions v ON v.id = value
JOIN commits c ON c.id = v.commit_id
"""
PARENTS = "SELECT v.id, v.parent FROM json_each(?) JOIN versions v ON v.id = value"
DESCEND = """
WITH RECURSIVE wanted (start, goal, number) AS (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), v.number
    FROM json_each(?) JOIN versions v ON v.id = json_extract(value, '$[1]')
), back (start, goal, number, id) AS (
    SELECT start, goal, number, start FROM wanted UNION
    SELECT b.start, b.goal, b.number, p.id FROM back b
    JOIN versions v ON v.id = b.id JOIN versions p ON p.id IN (v.parent, v.joined)
    WHERE b.id <> b.goal AND p.number >= b.number
)
SELECT start, goal FROM back WHERE id = goal
"""
PLACE = "SELECT lane, position FROM commits WHERE oid = ?"
