-- The metadata of a cluster. Every state is a word, so that a person can read the file.

CREATE TABLE cluster (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  id       TEXT NOT NULL,
  term     INTEGER NOT NULL
);

-- The highest incarnation of each node that was ever given out.
CREATE TABLE nodes (
  node        TEXT PRIMARY KEY,
  incarnation INTEGER NOT NULL,
  address     TEXT NOT NULL,
  slots       INTEGER NOT NULL,
  ended       INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE job_versions (
  job        TEXT NOT NULL,
  hash       TEXT NOT NULL,
  plan       BLOB NOT NULL,
  descriptor TEXT NOT NULL,
  author     TEXT NOT NULL,
  applied_at INTEGER NOT NULL,
  PRIMARY KEY (job, hash)
);

-- The version that a run of the job uses when it is started by name.
CREATE TABLE jobs (
  job  TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  FOREIGN KEY (job, hash) REFERENCES job_versions (job, hash)
) WITHOUT ROWID;

CREATE TABLE runs (
  run                 INTEGER PRIMARY KEY,
  job                 TEXT NOT NULL,
  hash                TEXT NOT NULL,
  interval            TEXT NOT NULL,
  generation          INTEGER NOT NULL,
  run_attempt         INTEGER NOT NULL,
  key                 TEXT NOT NULL,
  parallelism         INTEGER NOT NULL,
  keep_blocking_edges INTEGER NOT NULL,
  restart_attempts    INTEGER NOT NULL,
  restart_window_ns   INTEGER NOT NULL,
  restart_initial_ns  INTEGER NOT NULL,
  restart_max_ns      INTEGER NOT NULL,
  memory_bytes        INTEGER NOT NULL,
  state               TEXT NOT NULL,
  cause_code          INTEGER,
  cause_message       TEXT,
  cause_hint          TEXT,
  splits              BLOB,
  submitted_at        INTEGER NOT NULL,
  started_at          INTEGER,
  finished_at         INTEGER,
  FOREIGN KEY (job, hash) REFERENCES job_versions (job, hash)
);
-- A run is (job, interval, generation), and exists once; so does a submission with a key.
CREATE UNIQUE INDEX runs_interval ON runs (job, interval, generation) WHERE interval <> '';
CREATE UNIQUE INDEX runs_key ON runs (key) WHERE key <> '';
CREATE INDEX runs_job ON runs (job, run);
CREATE INDEX runs_state ON runs (state);

CREATE TABLE attempts (
  run          INTEGER NOT NULL REFERENCES runs (run),
  stage        INTEGER NOT NULL,
  subtask      INTEGER NOT NULL,
  attempt      INTEGER NOT NULL,
  node         TEXT NOT NULL,
  incarnation  INTEGER NOT NULL,
  state        TEXT NOT NULL,
  cause        TEXT NOT NULL DEFAULT '',
  sink         TEXT,
  outputs      BLOB,
  committables BLOB,
  counters     TEXT,
  PRIMARY KEY (run, attempt, stage, subtask)
) WITHOUT ROWID;

CREATE TABLE epochs (
  run   INTEGER NOT NULL REFERENCES runs (run),
  epoch INTEGER NOT NULL,
  state TEXT NOT NULL,
  sinks BLOB,
  PRIMARY KEY (run, epoch)
) WITHOUT ROWID;

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  run      INTEGER NOT NULL,
  level    TEXT NOT NULL,
  text     TEXT NOT NULL
);
CREATE INDEX events_run ON events (run, sequence);
