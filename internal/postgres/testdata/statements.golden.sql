-- API keys
-- $1 is user_id
SELECT k.id, k.hash, k.created_at, k.expires_at, k.used_on, k.scopes, k.name FROM docket.api_keys AS k WHERE k.user_id = $1 ORDER BY k.id;

-- bury
-- $1 is deleted_id
-- $2 is deleted_at
-- $3 is user_id
UPDATE docket.tasks AS t SET deleted_at = i.deleted_at FROM unnest($1::uuid[], $2::timestamptz[]) AS i (id, deleted_at)
WHERE t.user_id = $3 AND t.id = i.id;

-- changes
-- $1 is user_id
-- $2 is after
-- $3 is through
-- $4 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.version > $2::bigint AND t.version <= $3::bigint
  ORDER BY t.version LIMIT $4::integer);

-- changes, long
-- $1 is user_id
-- $2 is after
-- $3 is through
-- $4 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.version ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.version > $2::bigint AND t.version <= $3::bigint
  ORDER BY t.version LIMIT $4::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.version);

-- claim key
-- $1 is user_id
-- $2 is key
-- $3 is fingerprint
-- $4 is expires_at
INSERT INTO docket.idempotency_keys AS k (user_id, key, fingerprint, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = k.fingerprint RETURNING k.fingerprint, k.result;

-- confirm key
-- $1 is user_id
-- $2 is key
UPDATE docket.idempotency_keys AS k SET fingerprint = k.fingerprint WHERE k.user_id = $1 AND k.key = $2;

-- count
-- $1 is added
-- $2 is deleted
-- $3 is user_id
UPDATE docket.owners AS x SET counter = x.counter + $1::bigint, live = x.live + $1 - $2::bigint, trash = x.trash + $2
WHERE x.user_id = $3;

-- count API keys
-- $1 is user_id
SELECT count(*) FROM docket.api_keys AS k WHERE k.user_id = $1;

-- count kept
-- $1 is user_id
SELECT coalesce(sum(k.size), 0) FROM docket.idempotency_keys AS k WHERE k.user_id = $1;

-- count trash
-- $1 is user_id
-- $2 is limit
UPDATE docket.owners AS x SET trash = (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity')
WHERE x.user_id = $1 AND coalesce(x.trash, $2::bigint + 1) > $2;

-- create
-- $1 is user_id
-- $2 is id
-- $3 is epoch
-- $4 is limit
-- $5 is title
-- $6 is description
-- $7 is completed
-- $8 is created_at
-- $9 is updated_at
-- $10 is priority
-- $11 is due_date
-- $12 is tags
-- $13 is metadata
-- $14 is completed_at
-- $15 is title_folded
-- $16 is description_folded
-- $17 is due_at
-- $18 is tags_folded
WITH e AS MATERIALIZED (
  SELECT t.id FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2),
o AS (
  INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash)
  SELECT $1::text, $3::bigint, 1, 1, 0 WHERE NOT EXISTS (SELECT 1 FROM e)
  ON CONFLICT (user_id) DO UPDATE SET counter = x.counter + 1, live = x.live + 1 WHERE x.live < $4::bigint
  RETURNING x.counter),
n AS (
  INSERT INTO docket.tasks AS t (user_id, version, id, title, description, completed, created_at, updated_at, priority, due_date, tags, metadata, completed_at, title_folded, description_folded, due_at, tags_folded)
  SELECT $1, o.counter, $2::uuid, $5::text, $6::text, $7::boolean, $8::timestamptz, $9::timestamptz, $10::smallint, $11::text, $12::text, $13::text, $14::timestamptz, $15::text, $16::text, $17::timestamptz, $18::bytea FROM o
  RETURNING t.version)
SELECT n.version, 'done' FROM n
UNION ALL
SELECT 0, 'exists' FROM e;

-- create fresh
-- $1 is user_id
-- $2 is epoch
-- $3 is limit
-- $4 is id
-- $5 is title
-- $6 is description
-- $7 is completed
-- $8 is created_at
-- $9 is updated_at
-- $10 is priority
-- $11 is due_date
-- $12 is tags
-- $13 is metadata
-- $14 is completed_at
-- $15 is title_folded
-- $16 is description_folded
-- $17 is due_at
-- $18 is tags_folded
WITH o AS (
  INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash)
  SELECT $1::text, $2::bigint, 1, 1, 0 WHERE true
  ON CONFLICT (user_id) DO UPDATE SET counter = x.counter + 1, live = x.live + 1 WHERE x.live < $3::bigint
  RETURNING x.counter),
n AS (
  INSERT INTO docket.tasks AS t (user_id, version, id, title, description, completed, created_at, updated_at, priority, due_date, tags, metadata, completed_at, title_folded, description_folded, due_at, tags_folded)
  SELECT $1, o.counter, $4::uuid, $5::text, $6::text, $7::boolean, $8::timestamptz, $9::timestamptz, $10::smallint, $11::text, $12::text, $13::text, $14::timestamptz, $15::text, $16::text, $17::timestamptz, $18::bytea FROM o
  RETURNING t.version)
SELECT n.version, 'done' FROM n;

-- delete
-- $1 is user_id
-- $2 is match
-- $3 is none_match
-- $4 is trash_limit
-- $5 is id
-- $6 is now
WITH o AS MATERIALIZED (
  SELECT x.live, x.trash FROM docket.owners AS x WHERE x.user_id = $1 FOR UPDATE),
now AS MATERIALIZED (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, CASE
    WHEN NOT (($2::bigint[] IS NULL OR t.version = ANY ($2)) AND ($3::bigint[] IS NULL OR t.version <> ALL ($3))) THEN 'stale'
    WHEN coalesce(o.trash, $4::bigint) >= $4 THEN 'crowded'
    ELSE 'done' END AS outcome
  FROM o, docket.tasks AS t WHERE t.user_id = $1 AND t.id = $5 AND t.deleted_at IS NULL FOR UPDATE OF t),
n AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1, live = x.live - 1, trash = x.trash + 1 FROM now
  WHERE x.user_id = $1 AND now.outcome = 'done'
  RETURNING x.counter),
u AS (
  UPDATE docket.tasks AS t SET deleted_at = $6::timestamptz, version = n.counter
  FROM n WHERE t.user_id = $1 AND t.id = $5)
SELECT coalesce((SELECT n.counter FROM n), 0), now.outcome FROM now;

-- erase API keys
-- $1 is user_id
DELETE FROM docket.api_keys AS k WHERE k.user_id = $1;

-- erase keys
-- $1 is user_id
-- $2 is limit
WITH gone AS (
  DELETE FROM docket.idempotency_keys AS k WHERE k.user_id = $1 AND k.key IN (
    SELECT d.key FROM docket.idempotency_keys AS d WHERE d.user_id = $1 ORDER BY d.key LIMIT $2::integer)
  RETURNING k.size),
freed AS (
  UPDATE docket.owners AS x SET kept = x.kept - (SELECT coalesce(sum(gone.size), 0) FROM gone) WHERE x.user_id = $1)
SELECT count(*) FROM gone;

-- erase owner
-- $1 is user_id
DELETE FROM docket.owners AS x WHERE x.user_id = $1;

-- erase tasks
-- $1 is user_id
-- $2 is limit
WITH gone AS (
  DELETE FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id IN (
    SELECT d.id FROM docket.tasks AS d WHERE d.user_id = $1 ORDER BY d.id LIMIT $2::integer)
  RETURNING t.deleted_at),
counted AS (
  UPDATE docket.owners AS x SET live = x.live - (SELECT count(*) FROM gone WHERE gone.deleted_at IS NULL),
    trash = x.trash - (SELECT count(*) FROM gone WHERE gone.deleted_at IS NOT NULL) WHERE x.user_id = $1)
SELECT count(*) FROM gone;

-- expire API keys
-- $1 is user_id
-- $2 is created_at
DELETE FROM docket.api_keys AS k WHERE k.user_id = $1 AND k.expires_at <= $2;

-- find API key
-- $1 is user_id
-- $2 is id
SELECT k.id, k.hash, k.created_at, k.expires_at, k.used_on, k.scopes, k.name FROM docket.api_keys AS k WHERE k.user_id = $1 AND k.id = $2;

-- get
-- $1 is user_id
-- $2 is id
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL;

-- guard key
-- $1 is user_id
-- $2 is key
SELECT (CASE WHEN EXISTS (SELECT 1 FROM docket.idempotency_keys AS k WHERE k.user_id = $1 AND k.key = $2 AND k.result IS NOT NULL)
  THEN 'docket replays a write, which is no fault' ELSE '0' END)::integer;

-- import
-- $1 is user_id
-- $2 is counter
-- $3 is id
-- $4 is title
-- $5 is description
-- $6 is completed
-- $7 is created_at
-- $8 is updated_at
-- $9 is priority
-- $10 is due_date
-- $11 is tags
-- $12 is metadata
-- $13 is completed_at
-- $14 is title_folded
-- $15 is description_folded
-- $16 is due_at
-- $17 is tags_folded
INSERT INTO docket.tasks AS t (user_id, version, id, title, description, completed, created_at, updated_at, priority, due_date, tags, metadata, completed_at, title_folded, description_folded, due_at, tags_folded)
SELECT $1::text, $2::bigint + row_number() OVER (ORDER BY i.n), i.id, i.title, i.description, i.completed, i.created_at, i.updated_at, i.priority, i.due_date, i.tags, i.metadata, i.completed_at, i.title_folded, i.description_folded, i.due_at, i.tags_folded
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[], $8::timestamptz[], $9::smallint[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::text[], $15::text[], $16::timestamptz[], $17::bytea[])
  WITH ORDINALITY AS i (id, title, description, completed, created_at, updated_at, priority, due_date, tags, metadata, completed_at, title_folded, description_folded, due_at, tags_folded, n);

-- insert API key
-- $1 is user_id
-- $2 is id
-- $3 is hash
-- $4 is created_at
-- $5 is expires_at
-- $6 is used_on
-- $7 is scopes
-- $8 is name
INSERT INTO docket.api_keys AS k (user_id, id, hash, created_at, expires_at, used_on, scopes, name)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- keep key
-- $1 is result
-- $2 is size
-- $3 is user_id
-- $4 is key
-- $5 is kept
WITH kept AS (
  UPDATE docket.idempotency_keys AS k SET result = $1, size = $2::integer WHERE k.user_id = $3 AND k.key = $4)
UPDATE docket.owners AS x SET kept = $5::bigint WHERE x.user_id = $3;

-- kept
-- $1 is user_id
SELECT x.kept FROM docket.owners AS x WHERE x.user_id = $1;

-- known
-- $1 is user_id
-- $2 is id
SELECT t.id FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = ANY ($2::uuid[]);

-- list by creation
-- $1 is user_id
-- $2 is after_id
-- $3 is known_epoch
-- $4 is known_counter
-- $5 is known_purged_through
-- $6 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND t.id > $2::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $3::bigint AND o.counter = $4::bigint AND o.purged_through = $5::bigint)
  ORDER BY t.id LIMIT $6::integer);

-- list by creation, descending
-- $1 is user_id
-- $2 is after_id
-- $3 is known_epoch
-- $4 is known_counter
-- $5 is known_purged_through
-- $6 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND t.id < $2::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $3::bigint AND o.counter = $4::bigint AND o.purged_through = $5::bigint)
  ORDER BY t.id DESC LIMIT $6::integer);

-- list by creation, descending, filtered
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_id
-- $11 is known_epoch
-- $12 is known_counter
-- $13 is known_purged_through
-- $14 is limit
-- $15 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND t.id < $10::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $11::bigint AND o.counter = $12::bigint AND o.purged_through = $13::bigint)
  ORDER BY t.id DESC LIMIT $14::integer OFFSET $15::integer);

-- list by creation, descending, filtered, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_id
-- $11 is known_epoch
-- $12 is known_counter
-- $13 is known_purged_through
-- $14 is limit
-- $15 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND t.id < $10::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $11::bigint AND o.counter = $12::bigint AND o.purged_through = $13::bigint)
  ORDER BY t.id DESC LIMIT $14::integer OFFSET $15::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.id DESC);

-- list by creation, descending, filtered, trash
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_id
-- $11 is known_epoch
-- $12 is known_counter
-- $13 is known_purged_through
-- $14 is limit
-- $15 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND t.id < $10::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $11::bigint AND o.counter = $12::bigint AND o.purged_through = $13::bigint)
  ORDER BY t.id DESC LIMIT $14::integer OFFSET $15::integer);

-- list by creation, descending, filtered, trash, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_id
-- $11 is known_epoch
-- $12 is known_counter
-- $13 is known_purged_through
-- $14 is limit
-- $15 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND t.id < $10::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $11::bigint AND o.counter = $12::bigint AND o.purged_through = $13::bigint)
  ORDER BY t.id DESC LIMIT $14::integer OFFSET $15::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.id DESC);

-- list by creation, descending, long
-- $1 is user_id
-- $2 is after_id
-- $3 is known_epoch
-- $4 is known_counter
-- $5 is known_purged_through
-- $6 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND t.id < $2::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $3::bigint AND o.counter = $4::bigint AND o.purged_through = $5::bigint)
  ORDER BY t.id DESC LIMIT $6::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.id DESC);

-- list by creation, descending, trash
-- $1 is user_id
-- $2 is after_id
-- $3 is known_epoch
-- $4 is known_counter
-- $5 is known_purged_through
-- $6 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND t.id < $2::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $3::bigint AND o.counter = $4::bigint AND o.purged_through = $5::bigint)
  ORDER BY t.id DESC LIMIT $6::integer);

-- list by creation, descending, trash, long
-- $1 is user_id
-- $2 is after_id
-- $3 is known_epoch
-- $4 is known_counter
-- $5 is known_purged_through
-- $6 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND t.id < $2::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $3::bigint AND o.counter = $4::bigint AND o.purged_through = $5::bigint)
  ORDER BY t.id DESC LIMIT $6::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.id DESC);

-- list by creation, filtered
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_id
-- $11 is known_epoch
-- $12 is known_counter
-- $13 is known_purged_through
-- $14 is limit
-- $15 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND t.id > $10::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $11::bigint AND o.counter = $12::bigint AND o.purged_through = $13::bigint)
  ORDER BY t.id LIMIT $14::integer OFFSET $15::integer);

-- list by creation, filtered, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_id
-- $11 is known_epoch
-- $12 is known_counter
-- $13 is known_purged_through
-- $14 is limit
-- $15 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND t.id > $10::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $11::bigint AND o.counter = $12::bigint AND o.purged_through = $13::bigint)
  ORDER BY t.id LIMIT $14::integer OFFSET $15::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.id);

-- list by creation, filtered, trash
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_id
-- $11 is known_epoch
-- $12 is known_counter
-- $13 is known_purged_through
-- $14 is limit
-- $15 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND t.id > $10::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $11::bigint AND o.counter = $12::bigint AND o.purged_through = $13::bigint)
  ORDER BY t.id LIMIT $14::integer OFFSET $15::integer);

-- list by creation, filtered, trash, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_id
-- $11 is known_epoch
-- $12 is known_counter
-- $13 is known_purged_through
-- $14 is limit
-- $15 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND t.id > $10::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $11::bigint AND o.counter = $12::bigint AND o.purged_through = $13::bigint)
  ORDER BY t.id LIMIT $14::integer OFFSET $15::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.id);

-- list by creation, long
-- $1 is user_id
-- $2 is after_id
-- $3 is known_epoch
-- $4 is known_counter
-- $5 is known_purged_through
-- $6 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND t.id > $2::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $3::bigint AND o.counter = $4::bigint AND o.purged_through = $5::bigint)
  ORDER BY t.id LIMIT $6::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.id);

-- list by creation, trash
-- $1 is user_id
-- $2 is after_id
-- $3 is known_epoch
-- $4 is known_counter
-- $5 is known_purged_through
-- $6 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND t.id > $2::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $3::bigint AND o.counter = $4::bigint AND o.purged_through = $5::bigint)
  ORDER BY t.id LIMIT $6::integer);

-- list by creation, trash, long
-- $1 is user_id
-- $2 is after_id
-- $3 is known_epoch
-- $4 is known_counter
-- $5 is known_purged_through
-- $6 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND t.id > $2::uuid AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $3::bigint AND o.counter = $4::bigint AND o.purged_through = $5::bigint)
  ORDER BY t.id LIMIT $6::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.id);

-- list by due date
-- $1 is user_id
-- $2 is after_due
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::timestamptz IS NULL OR (coalesce(t.due_at, 'infinity'), t.id) > ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.due_at, 'infinity'), t.id LIMIT $7::integer);

-- list by due date, descending
-- $1 is user_id
-- $2 is after_due
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::timestamptz IS NULL OR (coalesce(t.due_at, '-infinity'), t.id) < ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC LIMIT $7::integer);

-- list by due date, descending, filtered
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_due
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (coalesce(t.due_at, '-infinity'), t.id) < ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer);

-- list by due date, descending, filtered, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_due
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at,
    sum(t.bytes) OVER (ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (coalesce(t.due_at, '-infinity'), t.id) < ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC);

-- list by due date, descending, filtered, trash
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_due
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (coalesce(t.due_at, '-infinity'), t.id) < ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer);

-- list by due date, descending, filtered, trash, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_due
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at,
    sum(t.bytes) OVER (ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (coalesce(t.due_at, '-infinity'), t.id) < ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC);

-- list by due date, descending, long
-- $1 is user_id
-- $2 is after_due
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::timestamptz IS NULL OR (coalesce(t.due_at, '-infinity'), t.id) < ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC);

-- list by due date, descending, trash
-- $1 is user_id
-- $2 is after_due
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::timestamptz IS NULL OR (coalesce(t.due_at, '-infinity'), t.id) < ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC LIMIT $7::integer);

-- list by due date, descending, trash, long
-- $1 is user_id
-- $2 is after_due
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::timestamptz IS NULL OR (coalesce(t.due_at, '-infinity'), t.id) < ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.due_at, '-infinity') DESC, t.id DESC);

-- list by due date, filtered
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_due
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (coalesce(t.due_at, 'infinity'), t.id) > ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.due_at, 'infinity'), t.id LIMIT $15::integer OFFSET $16::integer);

-- list by due date, filtered, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_due
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at,
    sum(t.bytes) OVER (ORDER BY coalesce(t.due_at, 'infinity'), t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (coalesce(t.due_at, 'infinity'), t.id) > ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.due_at, 'infinity'), t.id LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.due_at, 'infinity'), t.id);

-- list by due date, filtered, trash
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_due
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (coalesce(t.due_at, 'infinity'), t.id) > ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.due_at, 'infinity'), t.id LIMIT $15::integer OFFSET $16::integer);

-- list by due date, filtered, trash, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_due
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at,
    sum(t.bytes) OVER (ORDER BY coalesce(t.due_at, 'infinity'), t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (coalesce(t.due_at, 'infinity'), t.id) > ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.due_at, 'infinity'), t.id LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.due_at, 'infinity'), t.id);

-- list by due date, long
-- $1 is user_id
-- $2 is after_due
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY coalesce(t.due_at, 'infinity'), t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::timestamptz IS NULL OR (coalesce(t.due_at, 'infinity'), t.id) > ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.due_at, 'infinity'), t.id LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.due_at, 'infinity'), t.id);

-- list by due date, trash
-- $1 is user_id
-- $2 is after_due
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::timestamptz IS NULL OR (coalesce(t.due_at, 'infinity'), t.id) > ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.due_at, 'infinity'), t.id LIMIT $7::integer);

-- list by due date, trash, long
-- $1 is user_id
-- $2 is after_due
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.due_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY coalesce(t.due_at, 'infinity'), t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::timestamptz IS NULL OR (coalesce(t.due_at, 'infinity'), t.id) > ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.due_at, 'infinity'), t.id LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.due_at, 'infinity'), t.id);

-- list by priority
-- $1 is user_id
-- $2 is after_priority
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::smallint IS NULL OR (coalesce(t.priority, 0), t.id) > ($2::smallint, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.priority, 0), t.id LIMIT $7::integer);

-- list by priority, descending
-- $1 is user_id
-- $2 is after_priority
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::smallint IS NULL OR (coalesce(t.priority, 0), t.id) < ($2::smallint, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.priority, 0) DESC, t.id DESC LIMIT $7::integer);

-- list by priority, descending, filtered
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_priority
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::smallint IS NULL OR (coalesce(t.priority, 0), t.id) < ($10::smallint, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.priority, 0) DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer);

-- list by priority, descending, filtered, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_priority
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY coalesce(t.priority, 0) DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::smallint IS NULL OR (coalesce(t.priority, 0), t.id) < ($10::smallint, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.priority, 0) DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.priority, 0) DESC, t.id DESC);

-- list by priority, descending, filtered, trash
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_priority
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::smallint IS NULL OR (coalesce(t.priority, 0), t.id) < ($10::smallint, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.priority, 0) DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer);

-- list by priority, descending, filtered, trash, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_priority
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY coalesce(t.priority, 0) DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::smallint IS NULL OR (coalesce(t.priority, 0), t.id) < ($10::smallint, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.priority, 0) DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.priority, 0) DESC, t.id DESC);

-- list by priority, descending, long
-- $1 is user_id
-- $2 is after_priority
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY coalesce(t.priority, 0) DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::smallint IS NULL OR (coalesce(t.priority, 0), t.id) < ($2::smallint, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.priority, 0) DESC, t.id DESC LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.priority, 0) DESC, t.id DESC);

-- list by priority, descending, trash
-- $1 is user_id
-- $2 is after_priority
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::smallint IS NULL OR (coalesce(t.priority, 0), t.id) < ($2::smallint, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.priority, 0) DESC, t.id DESC LIMIT $7::integer);

-- list by priority, descending, trash, long
-- $1 is user_id
-- $2 is after_priority
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY coalesce(t.priority, 0) DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::smallint IS NULL OR (coalesce(t.priority, 0), t.id) < ($2::smallint, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.priority, 0) DESC, t.id DESC LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.priority, 0) DESC, t.id DESC);

-- list by priority, filtered
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_priority
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::smallint IS NULL OR (coalesce(t.priority, 0), t.id) > ($10::smallint, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.priority, 0), t.id LIMIT $15::integer OFFSET $16::integer);

-- list by priority, filtered, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_priority
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY coalesce(t.priority, 0), t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::smallint IS NULL OR (coalesce(t.priority, 0), t.id) > ($10::smallint, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.priority, 0), t.id LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.priority, 0), t.id);

-- list by priority, filtered, trash
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_priority
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::smallint IS NULL OR (coalesce(t.priority, 0), t.id) > ($10::smallint, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.priority, 0), t.id LIMIT $15::integer OFFSET $16::integer);

-- list by priority, filtered, trash, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_priority
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY coalesce(t.priority, 0), t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::smallint IS NULL OR (coalesce(t.priority, 0), t.id) > ($10::smallint, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY coalesce(t.priority, 0), t.id LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.priority, 0), t.id);

-- list by priority, long
-- $1 is user_id
-- $2 is after_priority
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY coalesce(t.priority, 0), t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::smallint IS NULL OR (coalesce(t.priority, 0), t.id) > ($2::smallint, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.priority, 0), t.id LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.priority, 0), t.id);

-- list by priority, trash
-- $1 is user_id
-- $2 is after_priority
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::smallint IS NULL OR (coalesce(t.priority, 0), t.id) > ($2::smallint, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.priority, 0), t.id LIMIT $7::integer);

-- list by priority, trash, long
-- $1 is user_id
-- $2 is after_priority
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY coalesce(t.priority, 0), t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::smallint IS NULL OR (coalesce(t.priority, 0), t.id) > ($2::smallint, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY coalesce(t.priority, 0), t.id LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY coalesce(t.priority, 0), t.id);

-- list by title
-- $1 is user_id
-- $2 is after_title
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::text IS NULL OR (t.title COLLATE "C", t.id) > ($2::text, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.title COLLATE "C", t.id LIMIT $7::integer);

-- list by title, descending
-- $1 is user_id
-- $2 is after_title
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::text IS NULL OR (t.title COLLATE "C", t.id) < ($2::text, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.title COLLATE "C" DESC, t.id DESC LIMIT $7::integer);

-- list by title, descending, filtered
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_title
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::text IS NULL OR (t.title COLLATE "C", t.id) < ($10::text, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.title COLLATE "C" DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer);

-- list by title, descending, filtered, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_title
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.title COLLATE "C" DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::text IS NULL OR (t.title COLLATE "C", t.id) < ($10::text, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.title COLLATE "C" DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.title COLLATE "C" DESC, t.id DESC);

-- list by title, descending, filtered, trash
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_title
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::text IS NULL OR (t.title COLLATE "C", t.id) < ($10::text, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.title COLLATE "C" DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer);

-- list by title, descending, filtered, trash, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_title
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.title COLLATE "C" DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::text IS NULL OR (t.title COLLATE "C", t.id) < ($10::text, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.title COLLATE "C" DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.title COLLATE "C" DESC, t.id DESC);

-- list by title, descending, long
-- $1 is user_id
-- $2 is after_title
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.title COLLATE "C" DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::text IS NULL OR (t.title COLLATE "C", t.id) < ($2::text, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.title COLLATE "C" DESC, t.id DESC LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.title COLLATE "C" DESC, t.id DESC);

-- list by title, descending, trash
-- $1 is user_id
-- $2 is after_title
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::text IS NULL OR (t.title COLLATE "C", t.id) < ($2::text, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.title COLLATE "C" DESC, t.id DESC LIMIT $7::integer);

-- list by title, descending, trash, long
-- $1 is user_id
-- $2 is after_title
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.title COLLATE "C" DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::text IS NULL OR (t.title COLLATE "C", t.id) < ($2::text, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.title COLLATE "C" DESC, t.id DESC LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.title COLLATE "C" DESC, t.id DESC);

-- list by title, filtered
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_title
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::text IS NULL OR (t.title COLLATE "C", t.id) > ($10::text, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.title COLLATE "C", t.id LIMIT $15::integer OFFSET $16::integer);

-- list by title, filtered, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_title
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.title COLLATE "C", t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::text IS NULL OR (t.title COLLATE "C", t.id) > ($10::text, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.title COLLATE "C", t.id LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.title COLLATE "C", t.id);

-- list by title, filtered, trash
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_title
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::text IS NULL OR (t.title COLLATE "C", t.id) > ($10::text, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.title COLLATE "C", t.id LIMIT $15::integer OFFSET $16::integer);

-- list by title, filtered, trash, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_title
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.title COLLATE "C", t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::text IS NULL OR (t.title COLLATE "C", t.id) > ($10::text, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.title COLLATE "C", t.id LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.title COLLATE "C", t.id);

-- list by title, long
-- $1 is user_id
-- $2 is after_title
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.title COLLATE "C", t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::text IS NULL OR (t.title COLLATE "C", t.id) > ($2::text, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.title COLLATE "C", t.id LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.title COLLATE "C", t.id);

-- list by title, trash
-- $1 is user_id
-- $2 is after_title
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::text IS NULL OR (t.title COLLATE "C", t.id) > ($2::text, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.title COLLATE "C", t.id LIMIT $7::integer);

-- list by title, trash, long
-- $1 is user_id
-- $2 is after_title
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.title COLLATE "C", t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::text IS NULL OR (t.title COLLATE "C", t.id) > ($2::text, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.title COLLATE "C", t.id LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.title COLLATE "C", t.id);

-- list by update
-- $1 is user_id
-- $2 is after_updated_at
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::timestamptz IS NULL OR (t.updated_at, t.id) > ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.updated_at, t.id LIMIT $7::integer);

-- list by update, descending
-- $1 is user_id
-- $2 is after_updated_at
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::timestamptz IS NULL OR (t.updated_at, t.id) < ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.updated_at DESC, t.id DESC LIMIT $7::integer);

-- list by update, descending, filtered
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_updated_at
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (t.updated_at, t.id) < ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.updated_at DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer);

-- list by update, descending, filtered, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_updated_at
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.updated_at DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (t.updated_at, t.id) < ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.updated_at DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.updated_at DESC, t.id DESC);

-- list by update, descending, filtered, trash
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_updated_at
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (t.updated_at, t.id) < ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.updated_at DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer);

-- list by update, descending, filtered, trash, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_updated_at
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.updated_at DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (t.updated_at, t.id) < ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.updated_at DESC, t.id DESC LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.updated_at DESC, t.id DESC);

-- list by update, descending, long
-- $1 is user_id
-- $2 is after_updated_at
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.updated_at DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::timestamptz IS NULL OR (t.updated_at, t.id) < ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.updated_at DESC, t.id DESC LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.updated_at DESC, t.id DESC);

-- list by update, descending, trash
-- $1 is user_id
-- $2 is after_updated_at
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::timestamptz IS NULL OR (t.updated_at, t.id) < ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.updated_at DESC, t.id DESC LIMIT $7::integer);

-- list by update, descending, trash, long
-- $1 is user_id
-- $2 is after_updated_at
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.updated_at DESC, t.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::timestamptz IS NULL OR (t.updated_at, t.id) < ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.updated_at DESC, t.id DESC LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.updated_at DESC, t.id DESC);

-- list by update, filtered
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_updated_at
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (t.updated_at, t.id) > ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.updated_at, t.id LIMIT $15::integer OFFSET $16::integer);

-- list by update, filtered, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_updated_at
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0 WHEN NOT $3::boolean THEN o.live
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.updated_at, t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (t.updated_at, t.id) > ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.updated_at, t.id LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.updated_at, t.id);

-- list by update, filtered, trash
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_updated_at
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (t.updated_at, t.id) > ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.updated_at, t.id LIMIT $15::integer OFFSET $16::integer);

-- list by update, filtered, trash, long
-- $1 is user_id
-- $2 is count
-- $3 is filtered
-- $4 is completed
-- $5 is priorities
-- $6 is due_from
-- $7 is due_before
-- $8 is tags
-- $9 is search
-- $10 is after_updated_at
-- $11 is after_id
-- $12 is known_epoch
-- $13 is known_counter
-- $14 is known_purged_through
-- $15 is limit
-- $16 is offset
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, CASE WHEN NOT $2::boolean THEN 0
    ELSE (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0))) END] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(t.bytes) OVER (ORDER BY t.updated_at, t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0) AS bytes
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND (NOT $3::boolean OR ($4::boolean IS NULL OR t.completed = $4)
    AND ($5::smallint[] IS NULL OR coalesce(t.priority, 0) = ANY ($5))
    AND ($6::timestamptz IS NULL OR t.due_at >= $6) AND ($7::timestamptz IS NULL OR t.due_at < $7)
    AND ($8::bytea[] IS NULL OR 0 < ALL (SELECT position(g.tag IN t.tags_folded) FROM unnest($8) AS g (tag)))
    AND ($9::bytea IS NULL OR position($9 IN convert_to(t.title_folded, 'UTF8')) > 0 OR position($9 IN convert_to(t.description_folded, 'UTF8')) > 0 OR position($9 IN t.tags_folded) > 0)) AND ($10::timestamptz IS NULL OR (t.updated_at, t.id) > ($10::timestamptz, $11::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $12::bigint AND o.counter = $13::bigint AND o.purged_through = $14::bigint)
  ORDER BY t.updated_at, t.id LIMIT $15::integer OFFSET $16::integer) AS t) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.updated_at, t.id);

-- list by update, long
-- $1 is user_id
-- $2 is after_updated_at
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.updated_at, t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.deleted_at IS NULL AND ($2::timestamptz IS NULL OR (t.updated_at, t.id) > ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.updated_at, t.id LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.updated_at, t.id);

-- list by update, trash
-- $1 is user_id
-- $2 is after_updated_at
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::timestamptz IS NULL OR (t.updated_at, t.id) > ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.updated_at, t.id LIMIT $7::integer);

-- list by update, trash, long
-- $1 is user_id
-- $2 is after_updated_at
-- $3 is after_id
-- $4 is known_epoch
-- $5 is known_counter
-- $6 is known_purged_through
-- $7 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through, x.live FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.updated_at, t.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity' AND ($2::timestamptz IS NULL OR (t.updated_at, t.id) > ($2::timestamptz, $3::uuid)) AND NOT EXISTS (
    SELECT 1 FROM o WHERE o.epoch = $4::bigint AND o.counter = $5::bigint AND o.purged_through = $6::bigint)
  ORDER BY t.updated_at, t.id LIMIT $7::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.updated_at, t.id);

-- mark API key
-- $1 is used_on
-- $2 is user_id
-- $3 is id
UPDATE docket.api_keys AS k SET used_on = $1 WHERE k.user_id = $2 AND k.id = $3 AND (k.used_on IS NULL OR k.used_on < $1) RETURNING k.id;

-- own
-- $1 is user_id
-- $2 is epoch
INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES ($1, $2, 0, 0, 0)
ON CONFLICT (user_id) DO UPDATE SET counter = x.counter RETURNING x.counter;

-- own API key
-- $1 is user_id
-- $2 is epoch
INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES ($1, $2, 0, 0, 0)
ON CONFLICT (user_id) DO UPDATE SET counter = x.counter;

-- own to erase
-- $1 is user_id
-- $2 is epoch
INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES ($1, $2, 0, 0, 0)
ON CONFLICT (user_id) DO UPDATE SET epoch = excluded.epoch;

-- restore
-- $1 is user_id
-- $2 is match
-- $3 is none_match
-- $4 is limit
-- $5 is id
-- $6 is now
WITH o AS MATERIALIZED (
  SELECT x.live, x.trash FROM docket.owners AS x WHERE x.user_id = $1 FOR UPDATE),
now AS MATERIALIZED (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, CASE
    WHEN t.deleted_at IS NULL THEN 'live'
    WHEN NOT (($2::bigint[] IS NULL OR t.version = ANY ($2)) AND ($3::bigint[] IS NULL OR t.version <> ALL ($3))) THEN 'stale'
    WHEN o.live >= $4::bigint THEN 'full'
    ELSE 'done' END AS outcome
  FROM o, docket.tasks AS t WHERE t.user_id = $1 AND t.id = $5 FOR UPDATE OF t),
n AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1, live = x.live + 1, trash = x.trash - 1 FROM now
  WHERE x.user_id = $1 AND now.outcome = 'done'
  RETURNING x.counter),
u AS (
  UPDATE docket.tasks AS t SET deleted_at = NULL, completed_at = CASE WHEN t.completed THEN coalesce(t.completed_at, t.updated_at) END, updated_at = greatest($6::timestamptz, t.updated_at), version = n.counter
  FROM n WHERE t.user_id = $1 AND t.id = $5
  RETURNING t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at)
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, 'done' FROM u AS t
UNION ALL
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.outcome FROM now AS t WHERE NOT EXISTS (SELECT 1 FROM u);

-- revoke API key
-- $1 is user_id
-- $2 is id
DELETE FROM docket.api_keys AS k WHERE k.user_id = $1 AND k.id = $2 RETURNING k.id;

-- room
-- $1 is user_id
SELECT x.live, coalesce(x.trash, (SELECT count(*) FROM docket.tasks AS t WHERE t.user_id = $1 AND coalesce(t.deleted_at, 'infinity') < 'infinity'))
FROM docket.owners AS x WHERE x.user_id = $1;

-- snapshot
-- $1 is user_id
-- $2 is after
-- $3 is through
-- $4 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.version > $2::bigint AND t.version <= $3::bigint AND t.deleted_at IS NULL
  ORDER BY t.version LIMIT $4::integer);

-- snapshot, long
-- $1 is user_id
-- $2 is after
-- $3 is through
-- $4 is limit
WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = $1)
SELECT NULL::uuid, NULL::text, NULL::text, NULL::boolean, NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::smallint, NULL::text, NULL::text, NULL::text, NULL::timestamptz, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
(SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, NULL FROM (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at,
    sum(coalesce(octet_length(t.title), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t.due_date), 0) + coalesce(octet_length(t.tags_folded), 0) + coalesce(octet_length(t.metadata), 0)) OVER (ORDER BY t.version ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM docket.tasks AS t
  WHERE t.user_id = $1 AND t.version > $2::bigint AND t.version <= $3::bigint AND t.deleted_at IS NULL
  ORDER BY t.version LIMIT $4::integer) AS t
  WHERE coalesce(t.before, 0) <= 8388608 ORDER BY t.version);

-- toggle
-- $1 is user_id
-- $2 is id
-- $3 is now
WITH o AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1
  WHERE x.user_id = $1 AND EXISTS (SELECT 1 FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL)
  RETURNING x.counter)
UPDATE docket.tasks AS t SET completed = NOT t.completed, completed_at = CASE WHEN NOT t.completed THEN greatest($3::timestamptz, t.updated_at) END, updated_at = greatest($3::timestamptz, t.updated_at), version = o.counter
FROM o WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL
RETURNING t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, 'done';

-- toggle if
-- $1 is user_id
-- $2 is match
-- $3 is none_match
-- $4 is id
-- $5 is now
WITH o AS MATERIALIZED (
  SELECT x.live, x.trash FROM docket.owners AS x WHERE x.user_id = $1 FOR UPDATE),
now AS MATERIALIZED (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, CASE
    WHEN NOT (($2::bigint[] IS NULL OR t.version = ANY ($2)) AND ($3::bigint[] IS NULL OR t.version <> ALL ($3))) THEN 'stale'
    ELSE 'done' END AS outcome
  FROM o, docket.tasks AS t WHERE t.user_id = $1 AND t.id = $4 AND t.deleted_at IS NULL FOR UPDATE OF t),
n AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1 FROM now
  WHERE x.user_id = $1 AND now.outcome = 'done'
  RETURNING x.counter),
u AS (
  UPDATE docket.tasks AS t SET completed = NOT t.completed, completed_at = CASE WHEN NOT t.completed THEN greatest($5::timestamptz, t.updated_at) END, updated_at = greatest($5::timestamptz, t.updated_at), version = n.counter
  FROM n WHERE t.user_id = $1 AND t.id = $4
  RETURNING t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at)
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, 'done' FROM u AS t
UNION ALL
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.outcome FROM now AS t WHERE NOT EXISTS (SELECT 1 FROM u);

-- trim trash
-- $1 is user_id
-- $2 is limit
WITH gone AS (
  DELETE FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id IN (
    SELECT d.id FROM docket.tasks AS d WHERE d.user_id = $1 AND coalesce(d.deleted_at, 'infinity') < 'infinity'
      AND EXISTS (SELECT 1 FROM docket.owners AS x WHERE x.user_id = $1 AND x.trash > $2::bigint)
    ORDER BY d.version LIMIT 1)
  RETURNING t.version)
UPDATE docket.owners AS x SET trash = x.trash - 1, purged_through = greatest(x.purged_through, gone.version)
FROM gone WHERE x.user_id = $1;

-- update
-- $1 is user_id
-- $2 is match
-- $3 is none_match
-- $4 is set_title
-- $5 is title
-- $6 is set_description
-- $7 is description
-- $8 is set_completed
-- $9 is completed
-- $10 is set_priority
-- $11 is priority
-- $12 is set_due_date
-- $13 is due_date
-- $14 is set_tags
-- $15 is tags
-- $16 is set_metadata
-- $17 is metadata
-- $18 is id
-- $19 is title_folded
-- $20 is description_folded
-- $21 is due_at
-- $22 is tags_folded
-- $23 is now
WITH o AS MATERIALIZED (
  SELECT x.live, x.trash FROM docket.owners AS x WHERE x.user_id = $1 FOR UPDATE),
now AS MATERIALIZED (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, CASE
    WHEN NOT (($2::bigint[] IS NULL OR t.version = ANY ($2)) AND ($3::bigint[] IS NULL OR t.version <> ALL ($3))) THEN 'stale'
    WHEN NOT ($4::boolean AND t.title IS DISTINCT FROM $5::text OR $6::boolean AND t.description IS DISTINCT FROM $7::text OR $8::boolean AND t.completed IS DISTINCT FROM $9::boolean OR $10::boolean AND t.priority IS DISTINCT FROM $11::smallint OR $12::boolean AND t.due_date IS DISTINCT FROM $13::text OR $14::boolean AND t.tags IS DISTINCT FROM $15::text OR $16::boolean AND t.metadata IS DISTINCT FROM $17::text) THEN 'same'
    ELSE 'done' END AS outcome
  FROM o, docket.tasks AS t WHERE t.user_id = $1 AND t.id = $18 AND t.deleted_at IS NULL FOR UPDATE OF t),
n AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1 FROM now
  WHERE x.user_id = $1 AND now.outcome = 'done'
  RETURNING x.counter),
u AS (
  UPDATE docket.tasks AS t SET title = CASE WHEN $4 THEN $5::text ELSE t.title END, description = CASE WHEN $6 THEN $7::text ELSE t.description END, completed = CASE WHEN $8 THEN $9::boolean ELSE t.completed END, priority = CASE WHEN $10 THEN $11::smallint ELSE t.priority END, due_date = CASE WHEN $12 THEN $13::text ELSE t.due_date END, tags = CASE WHEN $14 THEN $15::text ELSE t.tags END, metadata = CASE WHEN $16 THEN $17::text ELSE t.metadata END, title_folded = CASE WHEN $4 THEN $19::text ELSE t.title_folded END, description_folded = CASE WHEN $6 THEN $20::text ELSE t.description_folded END, due_at = CASE WHEN $12 THEN $21::timestamptz ELSE t.due_at END, tags_folded = CASE WHEN $14 THEN $22::bytea ELSE t.tags_folded END, completed_at = CASE WHEN NOT $8 OR t.completed = $9 THEN CASE WHEN t.completed THEN coalesce(t.completed_at, t.updated_at) END WHEN $9 THEN greatest($23::timestamptz, t.updated_at) END, updated_at = greatest($23::timestamptz, t.updated_at), version = n.counter
  FROM n WHERE t.user_id = $1 AND t.id = $18
  RETURNING t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at)
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, 'done' FROM u AS t
UNION ALL
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.outcome FROM now AS t WHERE NOT EXISTS (SELECT 1 FROM u);

-- advance clock
-- $1 is now
-- $2 is most
INSERT INTO docket.database AS d (id, clock) VALUES (1, $1::timestamptz)
ON CONFLICT (id) DO UPDATE SET clock = least(excluded.clock, coalesce(d.clock + $2::interval, excluded.clock)) RETURNING d.clock;

-- counters
-- $1 is user_ids
SELECT x.user_id, x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = ANY ($1::text[]);

-- expire keys
-- $1 is before
-- $2 is limit
WITH due AS MATERIALIZED (
  SELECT e.user_id, e.key FROM docket.idempotency_keys AS e WHERE e.expires_at <= $1::timestamptz ORDER BY e.expires_at LIMIT $2::integer),
o AS MATERIALIZED (
  SELECT x.user_id FROM docket.owners AS x JOIN (SELECT DISTINCT due.user_id FROM due) AS d ON x.user_id = d.user_id
  ORDER BY x.user_id FOR UPDATE OF x SKIP LOCKED),
gone AS (
  DELETE FROM docket.idempotency_keys AS k
  WHERE k.expires_at <= $1 AND (k.user_id, k.key) IN (SELECT due.user_id, due.key FROM due)
    AND (k.user_id IN (SELECT o.user_id FROM o) OR NOT EXISTS (SELECT 1 FROM docket.owners AS x WHERE x.user_id = k.user_id))
  RETURNING k.user_id, k.size),
freed AS (
  UPDATE docket.owners AS x SET kept = x.kept - g.size
  FROM (SELECT gone.user_id, sum(gone.size) AS size FROM gone GROUP BY gone.user_id) AS g WHERE x.user_id = g.user_id)
SELECT count(*) FROM gone;

-- next owners
-- $1 is after
-- $2 is limit
SELECT x.user_id FROM docket.owners AS x WHERE x.user_id > $1::text ORDER BY x.user_id LIMIT $2::integer;

-- purge
-- $1 is lock
-- $2 is before
-- $3 is limit
WITH due AS MATERIALIZED (
  SELECT d.user_id, d.id FROM docket.tasks AS d
  WHERE (SELECT pg_try_advisory_xact_lock($1::bigint)) AND d.deleted_at < $2::timestamptz ORDER BY d.deleted_at LIMIT $3::integer),
o AS MATERIALIZED (
  SELECT x.user_id FROM docket.owners AS x JOIN (SELECT DISTINCT due.user_id FROM due) AS d ON x.user_id = d.user_id
  ORDER BY x.user_id FOR UPDATE OF x SKIP LOCKED),
gone AS (
  DELETE FROM docket.tasks AS t
  WHERE t.deleted_at < $2 AND (t.user_id, t.id) IN (SELECT due.user_id, due.id FROM o JOIN due ON due.user_id = o.user_id)
  RETURNING t.user_id, t.version),
raised AS (
  UPDATE docket.owners AS x SET purged_through = greatest(x.purged_through, g.version), trash = x.trash - g.tasks
  FROM (SELECT gone.user_id, max(gone.version) AS version, count(*) AS tasks FROM gone GROUP BY gone.user_id) AS g WHERE x.user_id = g.user_id)
SELECT count(*) FROM gone;

-- record timeline
-- $1 is timeline
-- $2 is replace
INSERT INTO docket.database AS d (id, timeline) VALUES (1, $1)
ON CONFLICT (id) DO UPDATE SET timeline = CASE WHEN $2::boolean OR d.timeline IS NULL THEN excluded.timeline ELSE d.timeline END;

-- renew
-- $1 is owners
-- $2 is epochs
-- $3 is raises
WITH o AS MATERIALIZED (
  SELECT x.user_id FROM docket.owners AS x WHERE x.user_id = ANY ($1::text[]) ORDER BY x.user_id FOR UPDATE)
UPDATE docket.owners AS x SET epoch = r.epoch, counter = x.counter + r.raise
FROM unnest($1, $2::bigint[], $3::bigint[]) AS r (user_id, epoch, raise)
WHERE x.user_id = r.user_id AND x.user_id IN (SELECT o.user_id FROM o);

-- rights
SELECT
  (SELECT string_agg(p.name || ' on docket.' || t.name, ', ') FROM unnest(ARRAY['owners', 'tasks', 'idempotency_keys', 'api_keys', 'database']) AS t (name),
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p (name)
  WHERE NOT has_table_privilege('docket.' || t.name, p.name)),
  current_setting('transaction_read_only') = 'on'
WHERE NOT EXISTS (SELECT x.user_id, x.epoch, x.counter, x.purged_through, x.live, x.trash, x.kept FROM docket.owners AS x WHERE false)
  AND NOT EXISTS (SELECT t.user_id, t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.priority, t.due_date, t.tags, t.metadata, t.completed_at, t.title_folded, t.description_folded, t.due_at, t.tags_folded FROM docket.tasks AS t WHERE false)
  AND NOT EXISTS (SELECT k.user_id, k.key, k.fingerprint, k.result, k.size, k.expires_at FROM docket.idempotency_keys AS k WHERE false)
  AND NOT EXISTS (SELECT k.user_id, k.id, k.hash, k.created_at, k.expires_at, k.used_on, k.scopes, k.name FROM docket.api_keys AS k WHERE false)
  AND NOT EXISTS (SELECT d.id, d.clock, d.timeline FROM docket.database AS d WHERE false);

-- timeline
SELECT coalesce((SELECT d.timeline FROM docket.database AS d WHERE d.id = 1), ''),
  CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
  current_setting('synchronous_standby_names') <> '';

