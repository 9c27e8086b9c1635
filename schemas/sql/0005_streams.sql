-- A streaming run takes checkpoints; a batch run has none of these.
ALTER TABLE runs ADD COLUMN checkpoint_every_ns   INTEGER;
ALTER TABLE runs ADD COLUMN checkpoint_timeout_ns INTEGER;
ALTER TABLE runs ADD COLUMN checkpoint_keep       INTEGER;
ALTER TABLE runs ADD COLUMN checkpoint_directory  TEXT;
