-- The tables of the ledger, made anew: a run begins with empty ones.
DROP TABLE IF EXISTS balances, totals;

CREATE TABLE balances (
  account bigint PRIMARY KEY,
  cents numeric NOT NULL,
  postings bigint NOT NULL,
  epoch bigint NOT NULL
);

-- Without a key: what a defect put in twice would be seen, not refused.
CREATE TABLE totals (
  branch text NOT NULL,
  window_start timestamp NOT NULL,
  window_end timestamp NOT NULL,
  transfers bigint NOT NULL,
  cents numeric NOT NULL,
  epoch bigint NOT NULL
);
