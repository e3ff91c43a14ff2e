-- CPEs that are handed over to other ACSes: what each was told, and whether it left.

-- name: cpe_handover(device)^
SELECT * FROM cpe_handover WHERE device = :device;

-- name: put_cpe_handover(device, task, url, username, secret, actor, now)!
-- The last one counts: what became of earlier ones is in the events.
INSERT INTO cpe_handover (device, task, url, username, secret, actor, state, asked_at)
VALUES (:device, :task, :url, :username, :secret, :actor, 'asked', :now)
ON CONFLICT (device) DO UPDATE SET task = excluded.task, url = excluded.url, username = excluded.username,
    secret = excluded.secret, actor = excluded.actor, state = excluded.state, asked_at = excluded.asked_at,
    tells = 0, told_at = NULL, accepted_at = NULL, interval_s = NULL, silent_until = NULL, left_at = NULL,
    returned_at = NULL, said = '';

-- name: tell_cpe_handover(silent_until, now, device)!
UPDATE cpe_handover SET state = 'told', tells = tells + 1, told_at = :now, silent_until = :silent_until
WHERE device = :device AND state IN ('asked', 'told');

-- name: take_back_cpe_handover(said, device)^
UPDATE cpe_handover SET state = 'asked', tells = 0, silent_until = NULL, said = :said
WHERE device = :device AND state = 'told' RETURNING task;

-- name: accept_cpe_handover(interval_s, silent_until, now, device)!
UPDATE cpe_handover SET state = 'accepted', accepted_at = :now, interval_s = :interval_s, silent_until = :silent_until
WHERE device = :device;

-- name: end_cpe_handover(state, said, left_at, returned_at, device)!
UPDATE cpe_handover SET state = :state, said = :said, left_at = COALESCE(:left_at, left_at),
    returned_at = COALESCE(:returned_at, returned_at)
WHERE device = :device;

-- name: doubt_cpe_handover(silent_until, said, device)!
UPDATE cpe_handover SET silent_until = :silent_until, said = :said WHERE device = :device;

-- name: silent_cpe_handovers(now, limit)
-- Those whose CPE was told and has had time enough to come back.
SELECT * FROM cpe_handover WHERE state IN ('told', 'accepted') AND silent_until <= :now
ORDER BY silent_until, device LIMIT :limit;

-- name: last_heard_of_cpe(device)^
-- When somebody informed last who said that he is this device, proven or not.
SELECT last_heard_at, verdict FROM sighting WHERE device = :device AND source = 'cwmp'
ORDER BY last_heard_at DESC, id DESC LIMIT 1;

-- name: mark_cpe_handover(device)!
-- Whether there is one to look at is kept with the CPE: the others need not be asked for at every Inform.
UPDATE cpe SET handover = CASE WHEN EXISTS (
    SELECT 1 FROM cpe_handover h
    WHERE h.device = :device AND h.state IN ('asked', 'told', 'accepted', 'left')) THEN 1 ELSE 0 END
WHERE device = :device;

-- name: never_expire_cpe_task(id)!
UPDATE cpe_task SET expires_at = NULL WHERE id = :id AND ended_at IS NULL;

-- name: expire_cpe_task_later(expires_at, id)!
UPDATE cpe_task SET expires_at = :expires_at WHERE id = :id AND ended_at IS NULL;

-- name: move_cpe_handover(device, joined)!
UPDATE cpe_handover SET device = :device WHERE device = :joined
    AND NOT EXISTS (SELECT 1 FROM cpe_handover WHERE device = :device);

-- name: drop_cpe_handover(device)!
DELETE FROM cpe_handover WHERE device = :device;
