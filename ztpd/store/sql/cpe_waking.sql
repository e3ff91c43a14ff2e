-- CPEs that are asked to inform, because there is something that they must do.

-- name: cpes_to_wake(now, limit)
-- CPEs that may have something to do now and may be asked again; those that were never asked come first. A job asks
-- when the network works and nobody works on it: what is left is its CPE. Whether there really is work, and whether it
-- is held back, "cpe_work" tells.
SELECT c.* FROM cpe c LEFT JOIN cpe_waking w ON w.device = c.device
WHERE c.device IN (
        SELECT n.device FROM job j JOIN allocation a ON a.job = j.id AND a.role = 'cpe'
        JOIN device_name n ON n.kind = a.kind AND n.value = a.value
        WHERE j.state = 'verifying' AND j.lease_until IS NULL AND j.cpe_confirmed_at IS NULL
        UNION
        SELECT t.device FROM cpe_task t
        WHERE t.ended_at IS NULL AND t.due_at <= :now AND (t.state = 'due' OR t.kind = 'diagnose'))
    AND (w.device IS NULL OR w.next_at <= :now)
    -- One that was told to go elsewhere is not called back.
    AND NOT EXISTS (
        SELECT 1 FROM cpe_handover h WHERE h.device = c.device AND h.state IN ('told', 'accepted', 'left'))
ORDER BY COALESCE(w.next_at, ''), c.device LIMIT :limit;

-- name: cpe_waking(device)^
-- The last request to a CPE, and when it informed after that.
SELECT w.why, w.tries, w.asked_at, w.next_at, w.said,
    CASE WHEN c.informed_at >= w.asked_at THEN c.informed_at END AS informed_at
FROM cpe_waking w JOIN cpe c ON c.device = w.device WHERE w.device = :device AND w.asked_at IS NOT NULL;

-- name: cpe_waking_of_job(why)^
SELECT tries, said FROM cpe_waking WHERE why = :why ORDER BY asked_at DESC LIMIT 1;

-- name: put_cpe_waking(device, why, tries, asked_at, next_at, said)!
INSERT INTO cpe_waking (device, why, tries, asked_at, next_at, said)
VALUES (:device, :why, :tries, :asked_at, :next_at, :said)
ON CONFLICT (device) DO UPDATE SET why = excluded.why, tries = excluded.tries, asked_at = excluded.asked_at,
    next_at = excluded.next_at, said = excluded.said;

-- name: put_off_cpe_waking(device, next_at)!
INSERT INTO cpe_waking (device, next_at) VALUES (:device, :next_at)
ON CONFLICT (device) DO UPDATE SET next_at = excluded.next_at;

-- name: tell_cpe_waking(said, device, asked_at)!
-- Only of the request that was made: a later one has its own.
UPDATE cpe_waking SET said = :said WHERE device = :device AND asked_at = :asked_at;

-- name: drop_cpe_waking(device)!
DELETE FROM cpe_waking WHERE device = :device;
