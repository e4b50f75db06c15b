// SPDX-License-Identifier: BSD-3-Clause
// Chats (chat.h) over the connections of one engine of lib/tcp, for whoever feeds that engine.
// Thread: one.

#pragma once

#include "lib/tcp/tcp.h"
#include "tests/wire/ask.h"

#define LINKS_MAX 4096

struct links;

struct link {
	struct links *of;
	bool used, eof;
	tcp_conn_id id;
	struct chat chat;
};

struct links {
	struct tcp *tcp;
	struct ask *ask;       // where outcomes go
	uint32_t buffer_bytes; // of a connection, for sending
	uint64_t now, tcp_now; // of the chats and of the engine
	unsigned n;            // ever used
	struct link at[LINKS_MAX];
};

// A connection of ours; one of a peer's, request NULL, is taken by links_take_events().
void links_add(struct links *s, tcp_conn_id id, const struct chat_request *request);
void links_take_events(struct links *s);
// Steps what is due. When something will be: until, or before.
uint64_t links_step_due(struct links *s, uint64_t until);
