-- The rows of tests/runtime/expr/sample.cpp, for PostgreSQL (a database of locale C.UTF-8).
SET client_min_messages = warning;
SET timezone = 'UTC';
SET intervalstyle = 'postgres';
SET lc_messages = 'C';
CREATE TEMP TABLE sample (id int, i2 int2, i4 int4, i8 int8, n numeric(10,2), f4 float4, f8 float8,
  b bool, t text, d date, ts timestamp, iv interval, "Cap" text);
INSERT INTO sample VALUES
 (1, 7, 42, 1000000000000, 12.34, 1.5, 2.25, true, 'Hello World', '2013-01-31',
  '2013-01-31 14:05:06.789', '1 day 02:03:04', 'x'),
 (2, -3, -17, -5, -0.05, -0.25, -3.5, false, '  trim me ', '1969-12-31',
  '1969-12-31 23:59:59.5', '-1 mon', 'Y'),
 (3, 0, 0, 0, 0.00, 0, 0, false, '', '2000-02-29', '2000-02-29 00:00:00', '0', ''),
 (4, 300, 1000000000, 4000000000000000000, 99999999.99, 1e10, 1e300, true, 'naïve café 日本',
  '2100-12-31', '2100-12-31 12:00:00', '14 mons 3 days 04:05:06.5', 'Ω'),
 (5, 1, 100, 10, 0.10, 0.1, 'NaN', null, '100%_\x', '2024-12-30', '2024-12-30 06:30:00',
  '40 days -01:00:00', 'a,b');
INSERT INTO sample (id) VALUES (6);
