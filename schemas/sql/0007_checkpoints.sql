-- What became of each checkpoint, and how long its parts took, for people.
ALTER TABLE epochs ADD COLUMN started_at      INTEGER;
ALTER TABLE epochs ADD COLUMN published_at    INTEGER;
ALTER TABLE epochs ADD COLUMN committed_at    INTEGER;
ALTER TABLE epochs ADD COLUMN aligned_ns      INTEGER;
ALTER TABLE epochs ADD COLUMN written_ns      INTEGER;
ALTER TABLE epochs ADD COLUMN acknowledged_ns INTEGER;
ALTER TABLE epochs ADD COLUMN copied_ns       INTEGER;
ALTER TABLE epochs ADD COLUMN state_bytes     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE epochs ADD COLUMN why             TEXT NOT NULL DEFAULT '';
