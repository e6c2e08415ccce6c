-- create
-- $1 is user_id
-- $2 is epoch
-- $3 is limit
-- $4 is id
-- $5 is title
-- $6 is description
-- $7 is completed
-- $8 is created_at
-- $9 is updated_at
-- $10 is title_folded
-- $11 is description_folded
WITH o AS (
  INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES ($1, $2, 1, 1, 0)
  ON CONFLICT (user_id) DO UPDATE SET counter = x.counter + 1, live = x.live + 1 WHERE x.live < $3::bigint
  RETURNING x.counter)
INSERT INTO docket.tasks AS t (user_id, version, id, title, description, completed, created_at, updated_at, title_folded, description_folded)
SELECT $1::text, o.counter, $4::uuid, $5::text, $6::text, $7::boolean, $8::timestamptz, $9::timestamptz, $10::text, $11::text FROM o
RETURNING t.version, 'done';

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
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, CASE
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
SELECT now.outcome FROM now;

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
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, CASE
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
  UPDATE docket.tasks AS t SET deleted_at = NULL, updated_at = greatest($6::timestamptz, t.updated_at), version = n.counter
  FROM n WHERE t.user_id = $1 AND t.id = $5
  RETURNING t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at)
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, 'done' FROM u AS t
UNION ALL
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.outcome FROM now AS t WHERE NOT EXISTS (SELECT 1 FROM u);

-- toggle
-- $1 is user_id
-- $2 is id
-- $3 is now
WITH o AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1
  WHERE x.user_id = $1 AND EXISTS (SELECT 1 FROM docket.tasks AS t WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL)
  RETURNING x.counter)
UPDATE docket.tasks AS t SET completed = NOT t.completed, updated_at = greatest($3::timestamptz, t.updated_at), version = o.counter
FROM o WHERE t.user_id = $1 AND t.id = $2 AND t.deleted_at IS NULL
RETURNING t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, 'done';

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
-- $10 is id
-- $11 is title_folded
-- $12 is description_folded
-- $13 is now
WITH o AS MATERIALIZED (
  SELECT x.live, x.trash FROM docket.owners AS x WHERE x.user_id = $1 FOR UPDATE),
now AS MATERIALIZED (
  SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, CASE
    WHEN NOT (($2::bigint[] IS NULL OR t.version = ANY ($2)) AND ($3::bigint[] IS NULL OR t.version <> ALL ($3))) THEN 'stale'
    WHEN NOT ($4::boolean AND t.title IS DISTINCT FROM $5::text OR $6::boolean AND t.description IS DISTINCT FROM $7::text OR $8::boolean AND t.completed IS DISTINCT FROM $9::boolean) THEN 'same'
    ELSE 'done' END AS outcome
  FROM o, docket.tasks AS t WHERE t.user_id = $1 AND t.id = $10 AND t.deleted_at IS NULL FOR UPDATE OF t),
n AS (
  UPDATE docket.owners AS x SET counter = x.counter + 1 FROM now
  WHERE x.user_id = $1 AND now.outcome = 'done'
  RETURNING x.counter),
u AS (
  UPDATE docket.tasks AS t SET title = CASE WHEN $4 THEN $5::text ELSE t.title END, description = CASE WHEN $6 THEN $7::text ELSE t.description END, completed = CASE WHEN $8 THEN $9::boolean ELSE t.completed END, title_folded = CASE WHEN $4 THEN $11::text ELSE t.title_folded END, description_folded = CASE WHEN $6 THEN $12::text ELSE t.description_folded END, updated_at = greatest($13::timestamptz, t.updated_at), version = n.counter
  FROM n WHERE t.user_id = $1 AND t.id = $10
  RETURNING t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at)
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, 'done' FROM u AS t
UNION ALL
SELECT t.id, t.title, t.description, t.completed, t.created_at, t.updated_at, t.version, t.deleted_at, t.outcome FROM now AS t WHERE NOT EXISTS (SELECT 1 FROM u);
