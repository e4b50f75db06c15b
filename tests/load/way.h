// SPDX-License-Identifier: BSD-3-Clause
// Where a message goes, or came from: a datagram's peer, or a connection.

#pragma once

#include "lib/tcp/tcp.h"

struct sip_message;

struct way {
	uint8_t transport;      // enum transport
	uint16_t listener;      // ours, index in the core map
	struct endpoint remote; // of UDP
	tcp_conn_id conn;       // of TCP and TLS
	uint32_t partner;       // of ours: who speaks, over TLS
};

// Who takes whole messages. m and its bytes are good during the call only.
struct hearer {
	void (*hear)(
		void *user, const struct sip_message *m, const struct way *from, uint64_t now_ns);
	void *user;
};
