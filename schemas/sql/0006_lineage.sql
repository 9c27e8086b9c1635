-- A run may go on from the last epoch of one that has ended. Both are of one lineage: epochs are
-- numbered within it, and what is committed, and the state, are marked with the uid of its first run.
ALTER TABLE runs ADD COLUMN lineage TEXT NOT NULL DEFAULT '';
UPDATE runs SET lineage = uid;
ALTER TABLE runs ADD COLUMN resumes INTEGER REFERENCES runs (run);
CREATE UNIQUE INDEX runs_resumes ON runs (resumes) WHERE resumes IS NOT NULL;
CREATE INDEX runs_lineage ON runs (lineage, run);

DROP INDEX runs_open;
CREATE INDEX runs_open ON runs (run)
  WHERE state NOT IN ('SUCCEEDED', 'CANCELLED', 'SUSPENDED', 'FAILED', 'HALTED');
