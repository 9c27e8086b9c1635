-- What is kept outside this database goes by an id that no other has, not by a name that people
-- choose: every cluster that nobody named was "troupe", and every first run of one was 1.
ALTER TABLE cluster ADD COLUMN name TEXT NOT NULL DEFAULT '';
UPDATE cluster SET name = id, id = lower(hex(randomblob(8)));

-- Unique also among runs of one number, in a database and in a copy of it that was brought back.
ALTER TABLE runs ADD COLUMN uid TEXT NOT NULL DEFAULT '';
UPDATE runs SET uid = (SELECT id FROM cluster) || '-' || run || '-' || lower(hex(randomblob(8)));
