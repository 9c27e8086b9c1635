-- What a list shows of a run stands in the run's own row, counted as it happens: a list reads rows,
-- and neither attempts nor plans.
ALTER TABLE runs ADD COLUMN tasks          INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN tasks_finished INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN task_restarts  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN rows_committed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE epochs ADD COLUMN rows INTEGER NOT NULL DEFAULT 0;

-- Rows that manifests speak of, and tasks of plans that were not carried out to the end, are not
-- SQL's to read: `migrate.cpp` does.
UPDATE runs SET (tasks, tasks_finished, task_restarts) =
  (SELECT count(DISTINCT task), count(DISTINCT CASE WHEN state = 'FINISHED' THEN task END),
          count(*) - count(DISTINCT task)
   FROM (SELECT stage << 32 | subtask AS task, state FROM attempts WHERE attempts.run = runs.run));

-- What sources are made of may be large, and a row is written anew with each change of it.
CREATE TABLE splits (
  run    INTEGER PRIMARY KEY REFERENCES runs (run),
  splits BLOB NOT NULL
);
INSERT INTO splits (run, splits) SELECT run, splits FROM runs WHERE splits IS NOT NULL;
ALTER TABLE runs DROP COLUMN splits;

-- Whoever starts finds the runs that have not ended, however many have.
DROP INDEX runs_state;
CREATE INDEX runs_open ON runs (run)
  WHERE state NOT IN ('SUCCEEDED', 'CANCELLED', 'FAILED', 'HALTED');
