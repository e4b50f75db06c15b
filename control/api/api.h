// SPDX-License-Identifier: BSD-3-Clause
// Control's Unix socket: who asks, what, and with which right (frame.h has the wire). Whoever may
// connect may read; root, control's own user and the publishers' group may publish. A client is
// bounded in bytes, descriptors and time, and does one request at a time. Loop's thread.

#pragma once

#include "control/credentials/credentials.h"
#include "control/partner/trials.h"
#include "control/publish/publisher.h"
#include "control/session/server.h"
#include "control/target/targets.h"

#define API_CLIENTS_MAX    32
#define API_NO_GROUP       ((gid_t)-1)
#define API_IDLE_MS        30000 // without a request, or without the rest of one
#define API_SEND_MS        10000 // for a reply that its client does not read
#define API_PUBLISH_MS     10000 // for the workers' proof, unless the request says otherwise
#define API_PUBLISH_MS_MAX 60000

struct api;

struct api_settings {
	uv_loop_t *loop;
	struct publisher *publisher;
	struct store *store;
	const struct targets *targets;
	struct session_server *sessions;
	struct trials *trials;
	const struct credentials *credentials; // NULL: there are none
	gid_t publishers;                      // API_NO_GROUP: none
};

// Binds and listens: before privileges are dropped, for the socket's folder may be root's. owner
// and group become the socket's, mode 0660. A socket that nobody serves any more is replaced. The
// descriptor, or -errno: -EADDRINUSE where somebody does.
int api_listen(const char *path, uid_t owner, gid_t group);

// Serves a listening socket, which is taken over; -1: none, clients come by api_serve(). NULL with
// errno.
struct api *api_new(const struct api_settings *settings, int listener);
// Drops all clients. Run the loop before api_free(), as publisher_stop() says.
void api_stop(struct api *a);
void api_free(struct api *a);

// Serves a connected socket, which is taken over. 0 or -errno.
int api_serve(struct api *a, int socket);
