-- What other ACSes know of devices, and what operators call them by.

-- name: cpe_import(device)^
SELECT * FROM cpe_import WHERE device = :device;

-- name: put_cpe_import(device, source, manufacturer, oui, product_class, serial, software_version, hardware_version, connection_request_url, username, password, registered_at, informed_at, now)!
INSERT INTO cpe_import (device, source, manufacturer, oui, product_class, serial, software_version, hardware_version,
    connection_request_url, username, password, registered_at, informed_at, imported_at)
VALUES (:device, :source, :manufacturer, :oui, :product_class, :serial, :software_version, :hardware_version,
    :connection_request_url, :username, :password, :registered_at, :informed_at, :now)
ON CONFLICT (device) DO UPDATE SET source = excluded.source, manufacturer = excluded.manufacturer, oui = excluded.oui,
    product_class = excluded.product_class, serial = excluded.serial, software_version = excluded.software_version,
    hardware_version = excluded.hardware_version, connection_request_url = excluded.connection_request_url,
    username = excluded.username, password = excluded.password, registered_at = excluded.registered_at,
    informed_at = excluded.informed_at, imported_at = excluded.imported_at;

-- name: move_cpe_import(device, joined)!
UPDATE cpe_import SET device = :device WHERE device = :joined
    AND NOT EXISTS (SELECT 1 FROM cpe_import WHERE device = :device);

-- name: drop_cpe_import(device)!
DELETE FROM cpe_import WHERE device = :device;

-- name: tags_of_device(device)
SELECT tag FROM device_tag WHERE device = :device ORDER BY tag;

-- name: add_tag(device, tag)!
INSERT INTO device_tag (device, tag) VALUES (:device, :tag) ON CONFLICT (device, tag) DO NOTHING;

-- name: drop_tags(device)!
DELETE FROM device_tag WHERE device = :device;

-- name: copy_tags(device, joined)!
INSERT INTO device_tag (device, tag) SELECT CAST(:device AS BIGINT), tag FROM device_tag WHERE device = :joined
ON CONFLICT (device, tag) DO NOTHING;

-- name: devices_with_tag(tag, after, state, limit)
SELECT d.* FROM device_tag t JOIN device d ON d.id = t.device
WHERE t.tag = :tag AND t.device > :after AND (CAST(:state AS TEXT) IS NULL OR d.state = :state)
ORDER BY t.device LIMIT :limit;
