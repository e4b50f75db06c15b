// SPDX-License-Identifier: BSD-3-Clause
// Serves the sessions of the dataplane that is attached: joins the table (sessions.h) to the rings,
// to the pool of handshakes, to our certificates and to the published policy. The loop's thread.

#pragma once

#include "control/publish/publisher.h"
#include "control/session/pool.h"
#include "control/session/sessions.h"
#include "control/session/whom.h"
#include "lib/base/side.h"

struct session_server;

struct session_server_config {
	uv_loop_t *loop;
	struct publisher *publisher;
	unsigned n_threads;     // of the pool; 0: as many as the machine's cores but one
	int64_t (*now_s)(void); // NULL: the machine's clock
	// Handshakes that peers may begin each second, of one source and in all; 0: no limit.
	uint32_t source_per_s, all_per_s;
};

// NULL with errno. Until it has been told its contexts, and a policy holds, handshakes wait.
struct session_server *session_server_new(const struct session_server_config *config);
// Closes its handles: run the loop, as publisher_stop() says, before session_server_free().
void session_server_stop(struct session_server *s);
void session_server_free(struct session_server *s);

// What handshakes go by from now on, of each side; takes the references. NULL: none may begin
// there. Sessions whose certificate the new ones revoke are cut.
void session_server_set_contexts(
	struct session_server *s, struct tls_context *inside, struct tls_context *outside);
// Who knows the names of hops that are not in the image.
void session_server_set_names(struct session_server *s, whom_name_fn *name_of, void *arg);

// How a handshake has ended.
struct session_report {
	const struct session_row *row;
	const struct pool_answer *answer;
	enum tls_refusal refusal; // none: it is done
};
// Who looks on; one, for as long as the server.
void session_server_set_watcher(struct session_server *s,
	void (*watch)(void *arg, const struct session_report *report), void *arg);

const struct sessions *session_server_sessions(const struct session_server *s);

// Calls done once the workers have told how many messages each session had, or could not in time;
// once, maybe before it returns.
void session_server_refresh(struct session_server *s, void (*done)(void *arg), void *arg);
