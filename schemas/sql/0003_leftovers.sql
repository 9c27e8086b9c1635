-- What a run left beside its outputs (staged files, what a commit replaced) is owed until a row says
-- that it is gone. Runs that ended before this was recorded owe nothing that is known.
ALTER TABLE runs ADD COLUMN cleaned INTEGER NOT NULL DEFAULT 1;
UPDATE runs SET cleaned = 0 WHERE state NOT IN ('SUCCEEDED', 'CANCELLED', 'FAILED', 'HALTED');
CREATE INDEX runs_not_cleaned ON runs (run) WHERE cleaned = 0;
