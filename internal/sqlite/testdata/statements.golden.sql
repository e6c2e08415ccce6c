-- addSQL
INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 1, 1)
ON CONFLICT (user_id) DO UPDATE SET counter = counter + 1, live = live + 1 WHERE live < ?3 RETURNING counter;

-- bumpSQL
UPDATE owners SET counter = counter + 1, live = live + ?2 WHERE user_id = ?1 AND live < ?3 RETURNING counter;

-- changesSQL
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND version > ?2 AND version <= ?3 ORDER BY version LIMIT ?4;

-- checkpointSQL
PRAGMA wal_checkpoint(PASSIVE);

-- countSQL
SELECT count(*) FROM tasks WHERE user_id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0);

-- countTrashSQL
SELECT count(*) FROM tasks WHERE user_id = ?1 AND +deleted_at IS NOT NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0);

-- countersSQL
SELECT user_id, epoch, counter, purged_through FROM owners WHERE user_id IN (SELECT value FROM json_each(?1));

-- eraseKeysSQL
DELETE FROM idempotency_keys WHERE user_id = ?1 AND key IN
(SELECT key FROM idempotency_keys WHERE user_id = ?1 ORDER BY key LIMIT ?2);

-- eraseOwnerSQL
DELETE FROM owners WHERE user_id = ?1;

-- eraseTasksSQL
DELETE FROM tasks WHERE user_id = ?1 AND id IN (SELECT id FROM tasks WHERE user_id = ?1 ORDER BY id LIMIT ?2)
RETURNING deleted_at IS NULL;

-- expireKeysSQL
DELETE FROM idempotency_keys WHERE (user_id, key) IN
(SELECT user_id, key FROM idempotency_keys WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2);

-- findKeySQL
SELECT fingerprint, result FROM idempotency_keys WHERE user_id = ?1 AND key = ?2 AND expires_at > ?3;

-- findSQL
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND id = ?2;

-- getSQL
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND id = ?2 AND deleted_at IS NULL;

-- hasSQL
SELECT count(*) FROM tasks WHERE user_id = ?1 AND id = ?2;

-- insertSQL
INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at, version, deleted_at, title_folded, description_folded)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- keepKeySQL
INSERT INTO idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = ?3, result = ?4, expires_at = ?5;

-- listSQL by creation
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND id > ?5 ORDER BY id LIMIT ?4;

-- listSQL by creation, descending
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND id < ?5 ORDER BY id DESC LIMIT ?4;

-- listSQL by creation, descending, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND +deleted_at IS NOT NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND id < ?5 ORDER BY id DESC LIMIT ?4;

-- listSQL by creation, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND +deleted_at IS NOT NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND id > ?5 ORDER BY id LIMIT ?4;

-- listSQL by title
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND (?5 IS NULL OR (title, id) > (?5, ?6)) ORDER BY title, id LIMIT ?4;

-- listSQL by title, descending
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND (?5 IS NULL OR (title, id) < (?5, ?6)) ORDER BY title DESC, id DESC LIMIT ?4;

-- listSQL by title, descending, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND +deleted_at IS NOT NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND (?5 IS NULL OR (title, id) < (?5, ?6)) ORDER BY title DESC, id DESC LIMIT ?4;

-- listSQL by title, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND +deleted_at IS NOT NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND (?5 IS NULL OR (title, id) > (?5, ?6)) ORDER BY title, id LIMIT ?4;

-- listSQL by update
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND (?5 IS NULL OR (updated_at, id) > (?5, ?6)) ORDER BY updated_at, id LIMIT ?4;

-- listSQL by update, descending
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND (?5 IS NULL OR (updated_at, id) < (?5, ?6)) ORDER BY updated_at DESC, id DESC LIMIT ?4;

-- listSQL by update, descending, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND +deleted_at IS NOT NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND (?5 IS NULL OR (updated_at, id) < (?5, ?6)) ORDER BY updated_at DESC, id DESC LIMIT ?4;

-- listSQL by update, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND +deleted_at IS NOT NULL AND (?2 IS NULL OR completed = ?2)
AND (?3 IS NULL OR instr(title_folded, ?3) > 0 OR instr(description_folded, ?3) > 0)
AND (?5 IS NULL OR (updated_at, id) > (?5, ?6)) ORDER BY updated_at, id LIMIT ?4;

-- ownSQL
INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 0, 0) ON CONFLICT (user_id) DO NOTHING;

-- purgeSQL
DELETE FROM tasks WHERE (user_id, id) IN (SELECT user_id, id FROM tasks WHERE deleted_at < ?1 ORDER BY deleted_at, user_id, id LIMIT ?2);

-- raisePurgedSQL
UPDATE owners SET purged_through = max(purged_through, d.version)
FROM (SELECT user_id, max(version) AS version FROM (SELECT user_id, version FROM tasks WHERE deleted_at < ?1 ORDER BY deleted_at, user_id, id LIMIT ?2) GROUP BY user_id) AS d WHERE owners.user_id = d.user_id;

-- renewAllSQL
UPDATE owners SET epoch = (epoch | ?1) - (epoch & ?1);

-- renewSQL
UPDATE owners SET epoch = ?2, live = live - ?3 WHERE user_id = ?1;

-- snapshotSQL
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM tasks WHERE user_id = ?1 AND version > ?2 AND version <= ?3 AND deleted_at IS NULL ORDER BY version LIMIT ?4;

-- stateSQL
SELECT epoch, counter, purged_through, live FROM owners WHERE user_id = ?1;

-- updateSQL
UPDATE tasks SET title = ?3, description = ?4, completed = ?5, created_at = ?6, updated_at = ?7, version = ?8, deleted_at = ?9, title_folded = ?10, description_folded = ?11
WHERE user_id = ?1 AND id = ?2;

