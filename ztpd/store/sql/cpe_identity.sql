-- Who a CPE is: whether it has a secret of its own, and those that said they were somebody and did not prove it.

-- name: proven_cpe_named(kind, value)^
-- The CPE of a name that has proven itself better than by the secret that all share.
SELECT c.*, d.ip AS leased_ip FROM device_name n JOIN cpe c ON c.device = n.device JOIN device d ON d.id = c.device
WHERE n.kind = :kind AND n.value = :value AND (c.secret = 'proven' OR c.proof = 'certificate');

-- name: set_cpe_secret(secret, now, device)!
UPDATE cpe SET secret = :secret, secret_at = :now WHERE device = :device;

-- name: forget_cpe_proof(device)!
UPDATE cpe SET secret = '', proof = 'none', session = NULL WHERE device = :device;

-- name: last_leases(device, limit)
-- What DHCP last heard of a device, the newest first.
SELECT body FROM sighting WHERE device = :device AND source = 'dhcp' ORDER BY id DESC LIMIT :limit;

-- name: service_of_device(device)^
SELECT s.state FROM device d JOIN service s ON s.id = d.service WHERE d.id = :device;

-- name: add_doubted_device(reason, seen_at)^
INSERT INTO device (state, reason, first_seen_at, last_seen_at) VALUES ('quarantined', :reason, :seen_at, :seen_at)
RETURNING *;

-- name: doubt_device(reason, seen_at, id)!
UPDATE device SET reason = :reason, last_seen_at = :seen_at WHERE id = :id;

-- name: doubted_sighting(device, verdict)^
SELECT id FROM sighting WHERE device = :device AND source = 'cwmp' AND verdict = :verdict ORDER BY id DESC LIMIT 1;

-- name: repeat_doubted_sighting(body, heard_at, id)!
UPDATE sighting SET times = times + 1, body = :body, last_heard_at = :heard_at WHERE id = :id;

-- name: doubted_devices_beyond(kept, limit)
-- Devices that were only ever heard without proof, beyond the newest that are kept.
SELECT id FROM device WHERE reason IN ('unproven', 'identity-mismatch') AND state = 'quarantined' AND service IS NULL
ORDER BY last_seen_at DESC, id DESC LIMIT :limit OFFSET :kept;

-- name: drop_names(device)!
DELETE FROM device_name WHERE device = :device;

-- name: drop_sightings(device)!
DELETE FROM sighting WHERE device = :device;

-- name: drop_device(device)!
DELETE FROM device WHERE id = :device;
