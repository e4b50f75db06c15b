// SPDX-License-Identifier: BSD-3-Clause
// The credentials in force: those that the current revision names, made anew when another revision
// becomes the current one and when a file in their folder changes: a renewed certificate, a fresh
// CRL. What cannot be made changes nothing: handshakes go on by the former ones, and trouble says
// why. Files are read on libuv's work threads. The loop's thread.

#pragma once

#include "control/store/store.h"
#include "control/tls/context.h"
#include "lib/base/side.h"

#include <uv.h>

#define CREDENTIALS_TEXT_BYTES 320
// How often the folder is looked at.
#define CREDENTIALS_LOOK_MS 10000

struct credentials;

struct credentials_config {
	uv_loop_t *loop;
	struct store *store;
	const char *folder;
	// Takes a reference of each; NULL where the document has none.
	void (*use)(void *arg, struct tls_context *inside, struct tls_context *outside);
	void *arg;
};

struct credentials *credentials_new(const struct credentials_config *config); // NULL with errno
// Closes its handles: run the loop until it is empty before credentials_free().
void credentials_stop(struct credentials *c);
void credentials_free(struct credentials *c);

// That revision is the current one.
void credentials_follow(struct credentials *c, uint64_t number);

// Looks at the folder now, rather than when its time comes.
void credentials_look(struct credentials *c);

// Whether a document could be served: its files are there, belong together, and are valid now. Any
// thread. 0; -EINVAL when errors has been added to; -ENOMEM.
int credentials_check(const char *folder, struct view document, struct errors *errors);

// Why the newest could not be made; empty when all is well.
const char *credentials_trouble(const struct credentials *c);
// When the first certificate in force expires, seconds since the epoch; INT64_MAX without one.
int64_t credentials_expire_s(const struct credentials *c);
