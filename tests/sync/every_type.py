"""A PostgreSQL schema with everything that the sync says it handles, and rules for it."""

SCHEMA = """
CREATE SCHEMA crm;
CREATE TYPE mood AS ENUM ('idle', 'excited', 'so-so');
CREATE DOMAIN short_name AS varchar(40) CHECK (length(VALUE) > 0);

CREATE TABLE people (
  email varchar(80) PRIMARY KEY,
  name short_name NOT NULL,
  nick text UNIQUE,
  mobile varchar(30) UNIQUE,
  mood mood NOT NULL DEFAULT 'idle',
  emails text[],
  tags text[],
  moods mood[],
  profile jsonb,
  raw json,
  birthday date,
  seen timestamptz,
  ip inet,
  token uuid,
  photo bytea,
  code char(8),
  balance numeric(12, 2),
  rate double precision,
  pause interval,
  active boolean,
  iban text,
  initial text GENERATED ALWAYS AS (left(name, 1)) STORED,
  vector tsvector,
  motto text DEFAULT 'none',
  boss varchar(80) REFERENCES people
);
CREATE TABLE teams (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title text NOT NULL,
  lead integer
);
CREATE TABLE members (
  id serial PRIMARY KEY,
  team integer REFERENCES teams ON DELETE CASCADE,
  person varchar(80) NOT NULL REFERENCES people ON UPDATE CASCADE
);
ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES members;
CREATE TABLE crm."Contact Log" (
  "Who" varchar(80) NOT NULL REFERENCES people,
  no integer NOT NULL,
  "Note" text,
  PRIMARY KEY ("Who", no)
);
CREATE TABLE visits (id bigint NOT NULL, at date NOT NULL, who varchar(80), PRIMARY KEY (id, at))
  PARTITION BY RANGE (at);
CREATE TABLE visits_old PARTITION OF visits FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE visits_new PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
CREATE INDEX visits_who ON visits (who);
CREATE TABLE newsletter (address text UNIQUE NOT NULL, since date, PRIMARY KEY (address));
CREATE TABLE changes (id serial PRIMARY KEY, what text);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO changes (what) VALUES (TG_TABLE_NAME); RETURN NULL; END $$;
CREATE TRIGGER members_noted AFTER INSERT OR UPDATE OR DELETE ON members
  FOR EACH ROW EXECUTE FUNCTION noted();
CREATE VIEW leads AS SELECT title, person FROM teams JOIN members ON members.id = lead;
"""

ROWS = r"""
INSERT INTO people (email, name, nick, mobile, mood, emails, tags, moods, profile, raw, birthday,
    seen, ip, token, photo, code, balance, rate, pause, active, iban, vector, motto, boss) VALUES
  ('Grace.Hopper@navy.test', 'Grace Hopper', 'amazing', '+1 (202) 555-8731', 'excited',
   '{Grace.Hopper@navy.test,"gh, the \"first\"@navy.test",NULL}', '{cobol,"a b"}', '{idle,so-so}',
   '{"name": "Grace Hopper", "age": 85, "home": {"city": "Arlington",
     "lines": ["1 Navy Way", null]},
     "contacts": [{"mail": "grace@home.test", "ok": true}], "grace@home.test": 1.50}',
   '{"note" : "met Grace Hopper"}', '1906-12-09', '1991-05-01 10:00:00+02', '10.11.12.13',
   'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\xdeadbeef', 'GH-1906', 1234.50, 0.1, '1 day 02:03:04',
   true, 'GB82WEST12345698765432', to_tsvector('english', 'Grace Hopper'),
   E'tab\there \\ and\nline',
   NULL),
  ('linus@kernel.test', 'Linus Torvalds', NULL, '+358 40 1234567', 'idle', NULL, '{}', NULL, NULL,
   NULL, NULL, 'infinity', '2001:67c::1', NULL, NULL, NULL, NULL, 'NaN', NULL, false,
   'FI2112345600000785', NULL, '', 'Grace.Hopper@navy.test'),
  ('margaret@apollo.test', 'Margaret Hamilton', 'apollo', NULL, 'so-so', '{}', NULL, '{}', '[]',
   '"Margaret"', '1936-08-17', '-infinity', NULL, NULL, '', 'MH', -0.01, 'Infinity', '-1 mon', NULL,
   '', NULL, NULL, 'linus@kernel.test');
INSERT INTO teams (title) VALUES ('Compilers'), ('Kernels');
INSERT INTO members (team, person) VALUES (1, 'Grace.Hopper@navy.test'), (2, 'linus@kernel.test'),
  (NULL, 'margaret@apollo.test');
UPDATE teams SET lead = id;
INSERT INTO crm."Contact Log" VALUES
  ('Grace.Hopper@navy.test', 1,
   'Grace asked us to write to grace.hopper@navy.test or call 202-555-8731.'),
  ('linus@kernel.test', 1, 'Spoke with Torvalds; Margaret Hamilton''s number is +44 20 7946 0958.'),
  ('linus@kernel.test', 2, NULL);
INSERT INTO visits VALUES (1, '2025-05-05', 'grace.hopper@navy.test '), (1, '2026-05-05', NULL),
  (2, '2026-05-06', 'linus@kernel.test');
INSERT INTO newsletter VALUES (' LINUS@kernel.test', '2020-02-02'), ('nobody@else.test', NULL);
TRUNCATE changes;
"""

RULES = """
version: 1
tables:
  people:
    columns:
      email: email
      name: full_name
      nick: username
      mobile: {phone: {distinct: true}}
      mood: keep
      emails: email
      tags: keep
      moods: keep
      profile: {json: {"$.name": full_name, "$.contacts[*].mail": email, "$.age": keep}}
      raw: text
      birthday: {date_shift: {days: 30}}
      seen: date_shift
      ip: ip
      token: uuid
      photo: 'null'
      code: digits
      balance: digits
      rate: keep
      pause: keep
      active: keep
      iban: digits
      vector: null
      motto: text
      boss: email
  teams: {columns: {id: keep, title: keep, lead: keep}}
  members: {columns: {id: keep, team: keep, person: email}}
  crm.Contact Log: {columns: {Who: email, no: keep, Note: scrub}}
  visits: {columns: {id: keep, at: keep, who: email}}
  newsletter: {columns: {address: email, since: keep}}
  changes: skip
"""
