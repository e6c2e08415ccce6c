-- addSQL
INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 1, 1)
ON CONFLICT (user_id) DO UPDATE SET counter = counter + 1, live = live + 1 WHERE live < ?3 RETURNING counter;

-- advanceClockSQL
INSERT INTO clock (one, believed) VALUES (1, ?1)
ON CONFLICT (one) DO UPDATE SET believed = min(?1, believed + ?2) RETURNING believed;

-- bumpSQL
UPDATE owners SET counter = counter + 1, live = live + ?2, trash = trash - ?2 WHERE user_id = ?1 AND live < ?3 RETURNING counter, trash;

-- changesSQL
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1 AND version > ?2 AND version <= ?3
UNION ALL SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1 AND version > ?2 AND version <= ?3
ORDER BY version LIMIT ?4;

-- checkpointSQL
PRAGMA wal_checkpoint(PASSIVE);

-- countSQL
SELECT count(*) FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END;

-- countTrashSQL
SELECT count(*) FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END;

-- countersSQL
SELECT user_id, epoch, counter, purged_through FROM owners WHERE user_id IN (SELECT value FROM json_each(?1));

-- deleteSQL
DELETE FROM tasks WHERE user_id = ?1 AND id = ?2;

-- eraseKeysSQL
DELETE FROM idempotency_keys WHERE user_id = ?1 AND key IN
(SELECT key FROM idempotency_keys WHERE user_id = ?1 ORDER BY key LIMIT ?2) RETURNING length(result);

-- eraseOwnerSQL
DELETE FROM owners WHERE user_id = ?1;

-- eraseTasksSQL
DELETE FROM tasks WHERE user_id = ?1 AND id IN (SELECT id FROM tasks WHERE user_id = ?1 ORDER BY id LIMIT ?2);

-- eraseTrashSQL
DELETE FROM trash WHERE user_id = ?1 AND id IN (SELECT id FROM trash WHERE user_id = ?1 ORDER BY id LIMIT ?2);

-- expireKeysSQL
DELETE FROM idempotency_keys WHERE rowid IN (SELECT rowid FROM idempotency_keys WHERE expires_at <= ?1 ORDER BY expires_at, rowid LIMIT ?2);

-- findKeySQL
SELECT fingerprint FROM idempotency_keys WHERE user_id = ?1 AND key = ?2;

-- findTrashSQL
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1 AND id = ?2;

-- getSQL
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1 AND id = ?2;

-- hasSQL
SELECT EXISTS (SELECT 1 FROM tasks WHERE user_id = ?1 AND id = ?2) OR EXISTS (SELECT 1 FROM trash WHERE user_id = ?1 AND id = ?2);

-- insertSQL
INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at, version, title_folded, description_folded)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- insertTrashSQL
INSERT INTO trash (user_id, id, title, description, completed, created_at, updated_at, version, title_folded, description_folded, deleted_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- keepKeySQL
INSERT INTO idempotency_keys (user_id, key, fingerprint, result, expires_at) VALUES (?1, ?2, ?3, ?4, ?5);

-- keptSQL
SELECT kept FROM owners WHERE user_id = ?1;

-- listSQL by creation
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1
AND id > ?3 ORDER BY id LIMIT ?2;

-- listSQL by creation, descending
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1
AND id < ?3 ORDER BY id DESC LIMIT ?2;

-- listSQL by creation, descending, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND id < ?3 ORDER BY id DESC LIMIT ?2;

-- listSQL by creation, descending, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1
AND id < ?3 ORDER BY id DESC LIMIT ?2;

-- listSQL by creation, descending, trash, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND id < ?3 ORDER BY id DESC LIMIT ?2;

-- listSQL by creation, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND id > ?3 ORDER BY id LIMIT ?2;

-- listSQL by creation, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1
AND id > ?3 ORDER BY id LIMIT ?2;

-- listSQL by creation, trash, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND id > ?3 ORDER BY id LIMIT ?2;

-- listSQL by title
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1
AND (?3 IS NULL OR (title, id) > (?3, ?4)) ORDER BY title, id LIMIT ?2;

-- listSQL by title, descending
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1
AND (?3 IS NULL OR (title, id) < (?3, ?4)) ORDER BY title DESC, id DESC LIMIT ?2;

-- listSQL by title, descending, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (title, id) < (?3, ?4)) ORDER BY title DESC, id DESC LIMIT ?2;

-- listSQL by title, descending, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1
AND (?3 IS NULL OR (title, id) < (?3, ?4)) ORDER BY title DESC, id DESC LIMIT ?2;

-- listSQL by title, descending, trash, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (title, id) < (?3, ?4)) ORDER BY title DESC, id DESC LIMIT ?2;

-- listSQL by title, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (title, id) > (?3, ?4)) ORDER BY title, id LIMIT ?2;

-- listSQL by title, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1
AND (?3 IS NULL OR (title, id) > (?3, ?4)) ORDER BY title, id LIMIT ?2;

-- listSQL by title, trash, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (title, id) > (?3, ?4)) ORDER BY title, id LIMIT ?2;

-- listSQL by update
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1
AND (?3 IS NULL OR (updated_at, id) > (?3, ?4)) ORDER BY updated_at, id LIMIT ?2;

-- listSQL by update, descending
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1
AND (?3 IS NULL OR (updated_at, id) < (?3, ?4)) ORDER BY updated_at DESC, id DESC LIMIT ?2;

-- listSQL by update, descending, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (updated_at, id) < (?3, ?4)) ORDER BY updated_at DESC, id DESC LIMIT ?2;

-- listSQL by update, descending, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1
AND (?3 IS NULL OR (updated_at, id) < (?3, ?4)) ORDER BY updated_at DESC, id DESC LIMIT ?2;

-- listSQL by update, descending, trash, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (updated_at, id) < (?3, ?4)) ORDER BY updated_at DESC, id DESC LIMIT ?2;

-- listSQL by update, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (updated_at, id) > (?3, ?4)) ORDER BY updated_at, id LIMIT ?2;

-- listSQL by update, trash
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1
AND (?3 IS NULL OR (updated_at, id) > (?3, ?4)) ORDER BY updated_at, id LIMIT ?2;

-- listSQL by update, trash, filtered
SELECT user_id, id, title, description, completed, created_at, updated_at, version, deleted_at FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (updated_at, id) > (?3, ?4)) ORDER BY updated_at, id LIMIT ?2;

-- lowerKeptSQL
UPDATE owners SET kept = kept - d.bytes
FROM (SELECT user_id, sum(bytes) AS bytes FROM (SELECT user_id, length(result) AS bytes FROM idempotency_keys WHERE expires_at <= ?1 ORDER BY expires_at, rowid LIMIT ?2) GROUP BY user_id) AS d WHERE owners.user_id = d.user_id;

-- nextOwnersSQL
SELECT user_id FROM owners WHERE user_id > ?1 ORDER BY user_id LIMIT 500;

-- overflowSQL
UPDATE owners SET purged_through = max(purged_through, ?2), trash = trash - 1 WHERE user_id = ?1;

-- ownSQL
INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 0, 0) ON CONFLICT (user_id) DO NOTHING;

-- pageSQL
SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1;

-- purgeFirstSQL
DELETE FROM trash WHERE user_id = ?1 AND version = (SELECT min(version) FROM trash WHERE user_id = ?1) RETURNING version;

-- purgeSQL
DELETE FROM trash WHERE (user_id, id) IN (SELECT user_id, id FROM trash WHERE deleted_at < ?1 ORDER BY deleted_at, user_id, id LIMIT ?2);

-- raiseKeptSQL
UPDATE owners SET kept = kept + ?2 WHERE user_id = ?1 AND kept + ?2 <= ?3 RETURNING kept;

-- raisePurgedSQL
UPDATE owners SET purged_through = max(purged_through, d.version), trash = trash - d.n
FROM (SELECT user_id, max(version) AS version, count(*) AS n FROM (SELECT user_id, version FROM trash WHERE deleted_at < ?1 ORDER BY deleted_at, user_id, id LIMIT ?2) GROUP BY user_id) AS d WHERE owners.user_id = d.user_id;

-- renewOwnerSQL
UPDATE owners SET epoch = ?2, counter = counter + ?3 WHERE user_id = ?1;

-- renewSQL
UPDATE owners SET epoch = ?2, live = live - ?3, trash = trash - ?4, kept = kept - ?5 WHERE user_id = ?1;

-- resultSQL
SELECT fingerprint, result FROM idempotency_keys WHERE user_id = ?1 AND key = ?2;

-- sizesSQL by title
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM tasks WHERE user_id = ?1
AND (?3 IS NULL OR (title, id) > (?3, ?4)) ORDER BY title, id LIMIT ?2;

-- sizesSQL by title, descending
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM tasks WHERE user_id = ?1
AND (?3 IS NULL OR (title, id) < (?3, ?4)) ORDER BY title DESC, id DESC LIMIT ?2;

-- sizesSQL by title, descending, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (title, id) < (?3, ?4)) ORDER BY title DESC, id DESC LIMIT ?2;

-- sizesSQL by title, descending, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM trash WHERE user_id = ?1
AND (?3 IS NULL OR (title, id) < (?3, ?4)) ORDER BY title DESC, id DESC LIMIT ?2;

-- sizesSQL by title, descending, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (title, id) < (?3, ?4)) ORDER BY title DESC, id DESC LIMIT ?2;

-- sizesSQL by title, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (title, id) > (?3, ?4)) ORDER BY title, id LIMIT ?2;

-- sizesSQL by title, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM trash WHERE user_id = ?1
AND (?3 IS NULL OR (title, id) > (?3, ?4)) ORDER BY title, id LIMIT ?2;

-- sizesSQL by title, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (title, id) > (?3, ?4)) ORDER BY title, id LIMIT ?2;

-- sizesSQL by update
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM tasks WHERE user_id = ?1
AND (?3 IS NULL OR (updated_at, id) > (?3, ?4)) ORDER BY updated_at, id LIMIT ?2;

-- sizesSQL by update, descending
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM tasks WHERE user_id = ?1
AND (?3 IS NULL OR (updated_at, id) < (?3, ?4)) ORDER BY updated_at DESC, id DESC LIMIT ?2;

-- sizesSQL by update, descending, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (updated_at, id) < (?3, ?4)) ORDER BY updated_at DESC, id DESC LIMIT ?2;

-- sizesSQL by update, descending, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM trash WHERE user_id = ?1
AND (?3 IS NULL OR (updated_at, id) < (?3, ?4)) ORDER BY updated_at DESC, id DESC LIMIT ?2;

-- sizesSQL by update, descending, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (updated_at, id) < (?3, ?4)) ORDER BY updated_at DESC, id DESC LIMIT ?2;

-- sizesSQL by update, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM tasks WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (updated_at, id) > (?3, ?4)) ORDER BY updated_at, id LIMIT ?2;

-- sizesSQL by update, trash
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM trash WHERE user_id = ?1
AND (?3 IS NULL OR (updated_at, id) > (?3, ?4)) ORDER BY updated_at, id LIMIT ?2;

-- sizesSQL by update, trash, filtered
SELECT octet_length(title) + coalesce(octet_length(description), 0) FROM trash WHERE user_id = ?1 AND CASE WHEN in_time(?7) THEN (?5 IS NULL OR completed = ?5)
AND (?6 IS NULL OR contains(title_folded, ?6) OR contains(description_folded, ?6)) END
AND (?3 IS NULL OR (updated_at, id) > (?3, ?4)) ORDER BY updated_at, id LIMIT ?2;

-- snapshotSQL
SELECT user_id, id, title, description, completed, created_at, updated_at, version, NULL FROM tasks WHERE user_id = ?1 AND version > ?2 AND version <= ?3 ORDER BY version LIMIT ?4;

-- stateSQL
SELECT epoch, counter, purged_through, live, trash FROM owners WHERE user_id = ?1;

-- truncateSQL
PRAGMA wal_checkpoint(TRUNCATE);

-- undeleteSQL
DELETE FROM trash WHERE user_id = ?1 AND id = ?2;

-- updateSQL
UPDATE tasks SET title = ?3, description = ?4, completed = ?5, created_at = ?6, updated_at = ?7, version = ?8, title_folded = ?9, description_folded = ?10
WHERE user_id = ?1 AND id = ?2;

-- writePageSQL
UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1;

