// SPDX-License-Identifier: BSD-3-Clause
// What control remembers over a restart (FEATURES O1): revisions, each one's compiled image in a
// file beside them, and the relay's key.
//
//   DIR/revisions.db       number, when, who, comment, state, digest, document
//   DIR/images/N.image     the compiled image of revision N; its generation is N
//   DIR/relay.key          16 random bytes, made once
//
// The order that a crash cannot break:
//   1. store_begin(): the image is written beside its name, synced and renamed; then the row is
//      inserted as pending, in one transaction. From here on the revision stands.
//   2. The dataplane takes the image, or refuses it.
//   3. store_finish(): the row becomes applied, or refused, which never stands.
// Dead before the row: an image without one is removed at the next start. Dead between 1 and 3: the
// revision stands, and the next start offers it to a dataplane that does not judge by it already.
//
// Calls may come from any thread; one may write while another reads.

#pragma once

#include "control/store/revisions.h"

struct store;

// Opens or makes the store in a directory, which is made when absent and closed to others (mode
// 0700). A damaged database or key is refused. NULL with the reason in error.
struct store *store_open(const char *directory, char error[REVISIONS_ERROR_BYTES]);
void store_close(struct store *s);

struct revisions *store_revisions(struct store *s);
const uint8_t *store_relay_key(const struct store *s); // SIPHASH_KEY_BYTES of them

// Step 1. state and error are not looked at. Images of all but the last few revisions that stand
// are removed. 0 or -errno, with nothing kept.
int store_begin(struct store *s, const struct revision *revision, int image_fd, uint64_t n_bytes);
// Step 3. refused: why, NULL when the dataplane took it. 0 or -errno.
int store_finish(struct store *s, uint64_t number, const char *refused);

// A revision's image as a sealed memfd, the caller's. The descriptor, or -errno: -ENOENT when it is
// gone. Its content is for image_open() to judge.
int store_open_image(struct store *s, uint64_t number, uint64_t *n_bytes);
