-- A checkpoint is published with its state on no fewer disks than this.
ALTER TABLE runs ADD COLUMN checkpoint_copies_min INTEGER NOT NULL DEFAULT 1;
