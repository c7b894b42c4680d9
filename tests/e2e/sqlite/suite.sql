-- A database in files: made, changed, written out as text, read back and examined. Linux's shell 3.40.1 printed suite.expected.
.bail on
.open /tmp/one.db
PRAGMA page_size;
CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT NOT NULL, born INTEGER, picture BLOB);
CREATE INDEX by_born ON person(born);
CREATE VIEW elder AS SELECT * FROM person WHERE born < 1950;
CREATE TRIGGER count_up AFTER INSERT ON person BEGIN UPDATE total SET n = n + 1; END;
CREATE TABLE total(n INTEGER);
INSERT INTO total VALUES(0);
BEGIN;
WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 5000)
    INSERT INTO person SELECT i, 'person ' || i, 1900 + i % 100, zeroblob(i % 50) FROM number;
COMMIT;
SELECT n FROM total;
SELECT count(*), sum(length(picture)), min(name) FROM elder;
-- What is taken back leaves nothing.
BEGIN;
DELETE FROM person;
UPDATE total SET n = -1;
ROLLBACK;
SELECT count(*), n FROM person, total;
INSERT OR IGNORE INTO person VALUES(1, 'again', 0, NULL);
SELECT name FROM person WHERE id = 1;
UPDATE person SET name = upper(name) WHERE id % 2;
DELETE FROM person WHERE born = 1999;
VACUUM;
PRAGMA integrity_check;
EXPLAIN QUERY PLAN SELECT * FROM person WHERE born = 1950;
-- Text of it makes the same database again.
.output /tmp/one.sql
.dump
.output stdout
.open /tmp/two.db
.read /tmp/one.sql
PRAGMA integrity_check;
ATTACH '/tmp/one.db' AS one;
SELECT count(*) FROM (SELECT * FROM main.person EXCEPT SELECT * FROM one.person);
SELECT count(*), sum(born), sum(length(name)) FROM main.person;
DETACH one;
.backup /tmp/three.db
.open /tmp/three.db
PRAGMA quick_check;
SELECT sum(id) FROM person;
-- Full text, R-trees, JSON, windows, dates.
CREATE VIRTUAL TABLE word USING fts4(text);
INSERT INTO word VALUES('a kernel of its own'), ('no system beneath'), ('the kernel is quiet');
SELECT count(*) FROM word WHERE word MATCH 'kernel';
CREATE VIRTUAL TABLE place USING rtree(id, x0, x1, y0, y1);
INSERT INTO place VALUES(1, 0, 1, 0, 1), (2, 5, 6, 5, 6);
SELECT id FROM place WHERE x0 > 2;
SELECT json_extract('{"a":[1,2,{"b":3}]}', '$.a[2].b');
SELECT group_concat(r) FROM (SELECT rank() OVER (ORDER BY born) AS r FROM person LIMIT 3);
SELECT date('2024-02-28', '+1 day'), strftime('%s', '2000-01-01'), round(sqrt(2), 6), printf('%.3e', 1e100 / 7);
-- A write-ahead log, with its index in shared memory; a second connection goes on reading what was there before.
.open /tmp/wal.db
PRAGMA journal_mode = WAL;
CREATE TABLE t(x);
INSERT INTO t SELECT value FROM generate_series(1, 1000);
SELECT count(*), sum(x) FROM t;
.connection 1
.open /tmp/wal.db
BEGIN;
SELECT count(*), sum(x) FROM t;
.connection 0
INSERT INTO t VALUES (500);
SELECT count(*), sum(x) FROM t;
.connection 1
SELECT count(*), sum(x) FROM t;
END;
SELECT count(*), sum(x) FROM t;
.connection 0
.connection close 1
PRAGMA wal_checkpoint(TRUNCATE);
PRAGMA integrity_check;
-- Sorting on disk, by threads of its own.
PRAGMA threads = 3;
PRAGMA cache_size = 10;
PRAGMA temp_store = FILE;
CREATE TABLE large AS SELECT (value * 7919) % 20011 AS x, hex(zeroblob(20)) AS y FROM generate_series(1, 20000);
CREATE INDEX sorted ON large(y, x);
PRAGMA integrity_check;
SELECT x FROM large ORDER BY y, x LIMIT 3;
-- Errors are told and end nothing.
.bail off
SELECT * FROM nowhere;
.open /nowhere/x.db
.open /tmp/one.db
SELECT n FROM total;
