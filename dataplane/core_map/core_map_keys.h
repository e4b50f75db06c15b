// SPDX-License-Identifier: BSD-3-Clause
// The one list of keys that a core map may have, as lib/yaml/schema.h reads it. For core_map.c.

#pragma once

#include "lib/yaml/schema.h"

// In the order of the maps that they stand in.
enum core_map_key {
	KEY_IDLE,
	KEY_HUGEPAGES,
	KEY_MEMORY,
	KEY_PACKETS,
	KEY_CONNECTIONS,
	KEY_BUFFERS,
	KEY_BODIES,
	KEY_MAIN_CORE,
	KEY_CONTROL,
	KEY_SOCKET,
	KEY_CONTROL_USER,
	KEY_USER,
	KEY_PORTS,
	KEY_PORT_NAME,
	KEY_DEVICE,
	KEY_MTU,
	KEY_VLAN,
	KEY_DESCRIPTORS,
	KEY_ADDRESSES,
	KEY_GATEWAY,
	KEY_GATEWAY6,
	KEY_WORKERS,
	KEY_CORE,
	KEY_QUEUES,
	KEY_QUEUE_PORT,
	KEY_QUEUE,
	KEY_LISTENERS,
	KEY_LISTENER_NAME,
	KEY_LISTENER_PORT,
	KEY_LISTENER_ADDRESS,
	KEY_UDP,
	KEY_TCP,
	KEY_TLS,
	KEY_SIDE,
	KEY_SENT_BY,
	KEY_LISTENER_CONNECTIONS,
	KEY_SOURCE_CONNECTIONS,
};

extern const struct schema_key core_map_keys[];
